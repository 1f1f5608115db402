import { Refused } from '../statemachine/errors.ts';
import { familyOf } from './ecs-tasks.ts';
import { CUTOVER_CHECKS, type CutoverWorld } from './preflight/cutover-checks.ts';
import { drainSecondsMax, editing, type TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import {
  idOf,
  type RelayWorldDependencies,
  type RelayWorldEvent,
  readRelayWorld,
  readTaskDefinition,
  relayWorldOfAws,
} from './preflight/relay-world.ts';
import { type Surroundings, surroundingsOfAws } from './preflight/surroundings.ts';
import type { SampleEvent } from './sample-events.ts';
import type { TargetAddress } from './target-database.ts';
import { switchEdits } from './template-edits/switch.ts';

export type PreflightEvent = RelayWorldEvent;

/** What the later states work with: names resolved once, so that nothing can shift under them. */
export interface Plan {
  cluster: string;
  service: string;
  /** Family of the relay's task definitions: tasks are looked for by it. */
  family: string;
  domain: string;
  oldTaskDefinition: string;
  migration: { taskDefinition: string; subnets: string[]; securityGroups: string[] };
  /** Runs in the same network. */
  rollback: { taskDefinition: string };
  target: TargetAddress;
  /** The image of the new relay, with a digest in place of the tag where its registry tells one. */
  newImage: string;
  samples: SampleEvent[];
  lastChangeSet: string | null;
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
  const { ecs, surroundings } = dependencies;
  return async (event) => {
    const { names, newImage } = event;
    const relay = await readRelayWorld(dependencies, { ...event, machine: 'cutover' }, [
      ...[names.migrationTaskDefinition, names.rollbackTaskDefinition, ...names.subnets, names.securityGroup],
      ...[names.targetGroup, names.databaseInstance, names.databaseUrlSecret],
    ]);
    const { resources } = relay;
    const world: CutoverWorld = {
      ...relay,
      migrationTask: await readTaskDefinition(ecs, idOf(resources, names.migrationTaskDefinition)),
      rollbackTask: await readTaskDefinition(ecs, idOf(resources, names.rollbackTaskDefinition)),
      database: await surroundings.database(idOf(resources, names.databaseInstance)),
      newImageAnswer: await surroundings.askRegistry(newImage),
      switching: editing(relay.template, () => switchEdits(names, newImage)),
    };
    const findings = findingsOf(CUTOVER_CHECKS, world);
    if (findings.length > 0 || 'refusal' in world.switching) throw new Refused(findings.join(' | '));
    const delay = await surroundings.deregistrationDelaySeconds(idOf(resources, names.targetGroup));
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
  const { names, resources, service, relayTask, migrationTask, rollbackTask, database, newImageAnswer } = world;
  const image = newImageAnswer.status === 'found' ? newImageAnswer.pinned : newImage;
  return {
    cluster: idOf(resources, names.cluster),
    service: service.serviceName as string,
    family: familyOf(relayTask.taskDefinitionArn as string),
    domain: world.domain,
    oldTaskDefinition: relayTask.taskDefinitionArn as string,
    migration: {
      taskDefinition: migrationTask.taskDefinitionArn as string,
      subnets: names.subnets.map((name) => idOf(resources, name)),
      securityGroups: [idOf(resources, names.securityGroup)],
    },
    rollback: { taskDefinition: rollbackTask.taskDefinitionArn as string },
    target: database?.address as TargetAddress,
    newImage: image,
    samples: world.samples,
    lastChangeSet: world.stack.ChangeSetId ?? null,
    preview: {
      ...preview,
      image,
      drainSecondsMax: drainSecondsMax(relayTask, names, deregistrationDelaySeconds),
    },
  };
}
