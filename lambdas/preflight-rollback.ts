import { Refused } from '../statemachine/errors.ts';
import { type MigratorPlan, migratorParts, migratorPlanOf } from './preflight/migrator-plan.ts';
import { readAll } from './preflight/parts.ts';
import { editingBy } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import {
  type RelayWorldDependencies,
  type RelayWorldEvent,
  relayParts,
  relayWorldOfAws,
} from './preflight/relay-world.ts';
import { afterFinalize, ROLLBACK_CHECKS, type RollbackWorld } from './preflight/rollback-checks.ts';
import { type Surroundings, surroundingsOfAws } from './preflight/surroundings.ts';
import { backTemplate } from './template-edits/back.ts';

/** What the later states of a rollback work with. Whose original it is about they add when they know. */
export interface RollbackPlan extends MigratorPlan {
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
    const parts = relayParts(dependencies, { ...event, machine: 'rollback' }, []);
    const relay = await readAll(parts);
    const missing = [
      ...[names.fileSystem, names.accessPoint, ...names.mountTargets],
      ...[names.migrationTaskDefinition, names.rollbackTaskDefinition],
    ].filter((logicalId) => !relay.resources.has(logicalId));
    if (missing.length > 0) throw new Refused(afterFinalize(stackName, missing));
    const world: RollbackWorld = {
      ...(await readAll(migratorParts(dependencies, parts))),
      goingBack: editingBy(relay.template, () => backTemplate(relay.template, names)),
    };
    const findings = findingsOf(ROLLBACK_CHECKS, world);
    if (findings.length > 0) throw new Refused(findings.join(' | '));
    return { ...migratorPlanOf(world), newTaskDefinition: world.relayTask.taskDefinitionArn as string };
  };
}

export const handler = createHandler({ ...relayWorldOfAws(), surroundings: surroundingsOfAws() });
