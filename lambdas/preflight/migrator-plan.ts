import { type Ecs, familyOf } from '../ecs-tasks.ts';
import type { SampleEvent } from '../sample-events.ts';
import type { TargetAddress } from '../target-database.ts';
import type { MigratorWorld } from './cutover-checks.ts';
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

/** Reads what the migrator works with; the stack has both of its task definitions. */
export async function readMigratorWorld(
  { ecs, surroundings }: { ecs: Ecs; surroundings: Pick<Surroundings, 'database'> },
  relay: RelayWorld,
): Promise<MigratorWorld> {
  const { names, resources } = relay;
  return {
    ...relay,
    migrationTask: await readTaskDefinition(ecs, idOf(resources, names.migrationTaskDefinition)),
    rollbackTask: await readTaskDefinition(ecs, idOf(resources, names.rollbackTaskDefinition)),
    database: await surroundings.database(resources.get(names.databaseInstance) ?? names.databaseInstance),
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
