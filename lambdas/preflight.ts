import { Refused } from '../statemachine/errors.ts';
import { CUTOVER_CHECKS, type CutoverWorld } from './preflight/cutover-checks.ts';
import { type MigratorPlan, migratorPlanOf, readMigratorWorld } from './preflight/migrator-plan.ts';
import { drainSecondsMax, editing, type TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import {
  idOf,
  type RelayWorldDependencies,
  type RelayWorldEvent,
  readRelayWorld,
  relayWorldOfAws,
} from './preflight/relay-world.ts';
import { type Surroundings, surroundingsOfAws } from './preflight/surroundings.ts';
import { switchEdits } from './template-edits/switch.ts';

export type PreflightEvent = RelayWorldEvent;

/** What the later states work with: names resolved once, so that nothing can shift under them. */
export interface Plan extends MigratorPlan {
  oldTaskDefinition: string;
  /** The image of the new relay, with a digest in place of the tag where its registry tells one. */
  newImage: string;
  /** For people: what will happen. */
  preview: TemplatePreview & { image: string; drainSecondsMax: number };
}

export interface PreflightDependencies extends RelayWorldDependencies {
  surroundings: Surroundings;
}

/**
 * Makes the handler that reads the stack, the service, the database and the old relay, runs all checks and resolves the names.
 *
 * @throws Refused with every finding at once; nothing has been changed then
 */
export function createHandler(dependencies: PreflightDependencies): (event: PreflightEvent) => Promise<Plan> {
  const { surroundings } = dependencies;
  return async (event) => {
    const { names, newImage } = event;
    const relay = await readRelayWorld(dependencies, { ...event, machine: 'cutover' }, [
      ...[names.migrationTaskDefinition, names.rollbackTaskDefinition, ...names.subnets, names.securityGroup],
      ...[names.targetGroup, names.databaseInstance, names.databaseUrlSecret],
    ]);
    const world: CutoverWorld = {
      ...(await readMigratorWorld(dependencies, relay)),
      newImageAnswer: await surroundings.askRegistry(newImage),
      switching: editing(relay.template, () => switchEdits(names, newImage)),
    };
    const findings = findingsOf(CUTOVER_CHECKS, world);
    if (findings.length > 0 || 'refusal' in world.switching) throw new Refused(findings.join(' | '));
    const delay = await surroundings.deregistrationDelaySeconds(idOf(relay.resources, names.targetGroup));
    return planOf(world, newImage, world.switching.preview, delay);
  };
}

export const handler = createHandler({ ...relayWorldOfAws(), surroundings: surroundingsOfAws() });

function planOf(
  world: CutoverWorld,
  newImage: string,
  preview: TemplatePreview,
  deregistrationDelaySeconds: number,
): Plan {
  const { names, relayTask, newImageAnswer } = world;
  const image = newImageAnswer.status === 'found' ? newImageAnswer.pinned : newImage;
  return {
    ...migratorPlanOf(world),
    oldTaskDefinition: relayTask.taskDefinitionArn as string,
    newImage: image,
    preview: {
      ...preview,
      image,
      drainSecondsMax: drainSecondsMax(relayTask, names, deregistrationDelaySeconds),
    },
  };
}
