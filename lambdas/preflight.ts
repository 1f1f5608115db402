import { Refused } from '../statemachine/errors.ts';
import { CUTOVER_CHECKS, type CutoverWorld } from './preflight/cutover-checks.ts';
import { type CutoverWorldDependencies, cutoverParts } from './preflight/cutover-world.ts';
import { type MigratorPlan, migratorPlanOf } from './preflight/migrator-plan.ts';
import { readAll } from './preflight/parts.ts';
import { drainSecondsMax, type TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import { idOf, type RelayWorldEvent, relayWorldOfAws } from './preflight/relay-world.ts';
import { surroundingsOfAws } from './preflight/surroundings.ts';

export type PreflightEvent = RelayWorldEvent;

/** What the later states work with: names resolved once, so that nothing can shift under them. */
export interface Plan extends MigratorPlan {
  oldTaskDefinition: string;
  /** The image of the new relay, with a digest in place of the tag where its registry tells one. */
  newImage: string;
  /** For people: what will happen. */
  preview: TemplatePreview & { image: string; drainSecondsMax: number };
}

/**
 * Makes the handler that reads the stack, the service, the database and the old relay, runs all checks and resolves the names.
 *
 * @throws Refused with every finding at once; nothing has been changed then
 */
export function createHandler(dependencies: CutoverWorldDependencies): (event: PreflightEvent) => Promise<Plan> {
  const { surroundings } = dependencies;
  return async (event) => {
    const { names, newImage } = event;
    const world = await readAll(cutoverParts(dependencies, event));
    const findings = findingsOf(CUTOVER_CHECKS, world);
    if (findings.length > 0 || 'refusal' in world.switching) throw new Refused(findings.join(' | '));
    const delay = await surroundings.deregistrationDelaySeconds(idOf(world.resources, names.targetGroup));
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
