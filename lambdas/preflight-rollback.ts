import { Refused } from '../statemachine/errors.ts';
import { familyOf } from './ecs-tasks.ts';
import { editingBy } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import {
  idOf,
  type RelayWorldDependencies,
  type RelayWorldEvent,
  readRelayWorld,
  readTaskDefinition,
  relayWorldOfAws,
} from './preflight/relay-world.ts';
import { afterFinalize, ROLLBACK_CHECKS, type RollbackWorld } from './preflight/rollback-checks.ts';
import { type Surroundings, surroundingsOfAws } from './preflight/surroundings.ts';
import type { Plan } from './preflight.ts';
import type { TargetAddress } from './target-database.ts';
import { backTemplate } from './template-edits/back.ts';

/** What the later states of a rollback work with. Whose original it is about they add when they know. */
export interface RollbackPlan
  extends Pick<
    Plan,
    'cluster' | 'service' | 'family' | 'domain' | 'migration' | 'rollback' | 'target' | 'samples' | 'lastChangeSet'
  > {
  /** The task definition that served before the rollback. */
  newTaskDefinition: string;
}

export interface PreflightRollbackDependencies extends RelayWorldDependencies {
  surroundings: Pick<Surroundings, 'database'>;
}

/**
 * Makes the handler that looks at everything that a rollback rests on (runbook "Rollback") and resolves the names.
 *
 * @throws Refused with every finding at once, or with what is left to do by hand after `finalize`; nothing has been changed then
 */
export function createHandler(
  dependencies: PreflightRollbackDependencies,
): (event: RelayWorldEvent) => Promise<RollbackPlan> {
  return async (event) => {
    const { names, stackName } = event;
    const relay = await readRelayWorld(dependencies, { ...event, machine: 'rollback' }, []);
    const missing = [
      ...[names.fileSystem, names.accessPoint, ...names.mountTargets],
      ...[names.migrationTaskDefinition, names.rollbackTaskDefinition],
    ].filter((logicalId) => !relay.resources.has(logicalId));
    if (missing.length > 0) throw new Refused(afterFinalize(stackName, missing));
    const { ecs, surroundings } = dependencies;
    const { resources } = relay;
    const world: RollbackWorld = {
      ...relay,
      migrationTask: await readTaskDefinition(ecs, idOf(resources, names.migrationTaskDefinition)),
      rollbackTask: await readTaskDefinition(ecs, idOf(resources, names.rollbackTaskDefinition)),
      database: await surroundings.database(resources.get(names.databaseInstance) ?? names.databaseInstance),
      goingBack: editingBy(relay.template, () => backTemplate(relay.template, names)),
    };
    const findings = findingsOf(ROLLBACK_CHECKS, world);
    if (findings.length > 0) throw new Refused(findings.join(' | '));
    return planOf(world);
  };
}

export const handler = createHandler({ ...relayWorldOfAws(), surroundings: surroundingsOfAws() });

function planOf({ names, resources, service, relayTask, migrationTask, rollbackTask, ...world }: RollbackWorld) {
  const taskDefinition = relayTask.taskDefinitionArn as string;
  return {
    cluster: idOf(resources, names.cluster),
    service: service.serviceName as string,
    family: familyOf(taskDefinition),
    domain: world.domain,
    newTaskDefinition: taskDefinition,
    migration: {
      taskDefinition: migrationTask.taskDefinitionArn as string,
      subnets: names.subnets.map((name) => idOf(resources, name)),
      securityGroups: [idOf(resources, names.securityGroup)],
    },
    rollback: { taskDefinition: rollbackTask.taskDefinitionArn as string },
    target: world.database?.address as TargetAddress,
    samples: world.samples,
    lastChangeSet: world.stack.ChangeSetId ?? null,
  };
}
