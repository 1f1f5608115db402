import { type Ecs, familyOf } from '../ecs-tasks.ts';
import type { SampleEvent } from '../sample-events.ts';
import type { TargetAddress } from '../target-database.ts';
import type { MigratorWorld } from './cutover-checks.ts';
import { type Parts, part } from './parts.ts';
import { idOf, type RelayWorld, readTaskDefinition } from './relay-world.ts';
import type { Surroundings } from './surroundings.ts';

/** Where tasks of the migrator run. */
export interface TaskNetwork {
  subnets: string[];
  securityGroups: string[];
}

/** Names for whoever moves the rows, in either direction. */
export interface MigratorPlan {
  cluster: string;
  service: string;
  /** Family of the relay's task definitions: tasks are looked for by it. */
  family: string;
  domain: string;
  migration: { taskDefinition: string } & TaskNetwork;
  /** Runs in the same network. */
  rollback: { taskDefinition: string };
  target: TargetAddress;
  samples: SampleEvent[];
  lastChangeSet: string | null;
}

/** How it is read what the migrator works with; the stack has both of its task definitions. */
export function migratorParts(
  { ecs, surroundings }: { ecs: Ecs; surroundings: Pick<Surroundings, 'database'> },
  relay: Parts<RelayWorld>,
): Parts<MigratorWorld> {
  const task = (of: 'migrationTaskDefinition' | 'rollbackTaskDefinition') => async () =>
    readTaskDefinition(ecs, idOf(await relay.resources(), (await relay.names())[of]));
  return {
    ...relay,
    migrationTask: part(task('migrationTaskDefinition')),
    rollbackTask: part(task('rollbackTaskDefinition')),
    database: part(async () => {
      const { databaseInstance } = await relay.names();
      return surroundings.database((await relay.resources()).get(databaseInstance) ?? databaseInstance);
    }),
  };
}

export function migratorPlanOf(world: MigratorWorld): MigratorPlan {
  const { names, resources, service, relayTask, migrationTask, rollbackTask, database } = world;
  return {
    cluster: idOf(resources, names.cluster),
    service: service.serviceName as string,
    family: familyOf(relayTask.taskDefinitionArn as string),
    domain: world.domain,
    migration: { taskDefinition: migrationTask.taskDefinitionArn as string, ...networkOf(world) },
    rollback: { taskDefinition: rollbackTask.taskDefinitionArn as string },
    target: database?.address as TargetAddress,
    samples: world.samples,
    lastChangeSet: world.stack.ChangeSetId ?? null,
  };
}

export function networkOf({ names, resources }: RelayWorld): TaskNetwork {
  return {
    subnets: names.subnets.map((name) => idOf(resources, name)),
    securityGroups: [idOf(resources, names.securityGroup)],
  };
}
