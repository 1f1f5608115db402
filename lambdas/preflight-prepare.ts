import { Refused } from '../statemachine/errors.ts';
import type { ImageAnswer } from './preflight/image-registry.ts';
import { type NetworkAndStorage, networkAndStorageOfAws } from './preflight/network-and-storage.ts';
import { NEEDED_PORTS, PREPARE_CHECKS, type PrepareSettings, type PrepareWorld } from './preflight/prepare-checks.ts';
import { editing, type TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import { idOf, type RelayWorldDependencies, readRelayWorld, relayWorldOfAws } from './preflight/relay-world.ts';
import { type Surroundings, surroundingsOfAws } from './preflight/surroundings.ts';
import { addRdsEdits } from './template-edits/add-rds.ts';
import { switchEdits } from './template-edits/switch.ts';

export interface PreflightPrepareEvent {
  /** The execution's input. */
  input: unknown;
  stackName: string;
  settings: PrepareSettings;
}

/** What the preparation will do, for the states that do it and for people. */
export interface Preparation {
  /** The image of the migrator, with a digest in place of the tag where its registry tells one. */
  migratorImage: string;
  preview: TemplatePreview;
  fileSystemBytes: number;
  /** What could not be looked at, such as an image that its registry shows to nobody without a login. */
  notes: string[];
}

export interface PreflightPrepareDependencies extends RelayWorldDependencies {
  surroundings: Surroundings;
  networkAndStorage: NetworkAndStorage;
}

/**
 * Makes the handler that looks at everything that a preparation of the stack rests on (before runbook steps 2 to 4).
 *
 * @throws Refused with every finding at once; nothing has been changed then
 */
export function createHandler(
  dependencies: PreflightPrepareDependencies,
): (event: PreflightPrepareEvent) => Promise<Preparation> {
  return async (event) => {
    const world = await readPrepareWorld(dependencies, event);
    const findings = findingsOf(PREPARE_CHECKS, world);
    if (findings.length > 0 || 'refusal' in world.adding) throw new Refused(findings.join(' | '));
    const [, migratorImage] = world.images as [ImageAnswer, ImageAnswer];
    return {
      migratorImage: migratorImage.status === 'found' ? migratorImage.pinned : event.settings.migratorImage,
      preview: world.adding.preview,
      fileSystemBytes: world.fileSystemBytes,
      notes: world.images.flatMap((image) => (image.status === 'unknown' ? [image.reason] : [])),
    };
  };
}

const aws = relayWorldOfAws();

export const handler = createHandler({
  ...aws,
  surroundings: surroundingsOfAws(),
  networkAndStorage: networkAndStorageOfAws(aws.cloudFormation),
});

async function readPrepareWorld(
  dependencies: PreflightPrepareDependencies,
  { input, stackName, settings }: PreflightPrepareEvent,
): Promise<PrepareWorld> {
  const { surroundings, networkAndStorage } = dependencies;
  const { names, newImage, migratorImage } = settings;
  const relay = await readRelayWorld(
    dependencies,
    { machine: 'prepare', input, stackName, names, newImage, sampleEvents: 0 },
    [...names.subnets, names.securityGroup, names.targetGroup, names.fileSystem],
  );
  const { resources, service } = relay;
  const adding = editing(relay.template, () => addRdsEdits(settings));
  const switching = 'refusal' in adding ? adding : editing(adding.text, () => switchEdits(names, newImage));
  const edited = [names.service, names.taskDefinition, names.targetGroup];
  // The name that the edit gives it, whether it is there or not.
  const databaseName = resources.get(names.databaseInstance) ?? `${stackName}-db`;
  return {
    ...relay,
    settings,
    adding,
    switching,
    databaseName,
    database: await surroundings.database(databaseName),
    images: [await surroundings.askRegistry(newImage), await surroundings.askRegistry(migratorImage)],
    subnets: await networkAndStorage.subnets(names.subnets.map((name) => idOf(resources, name))),
    closedPorts: await networkAndStorage.closedPorts(idOf(resources, names.securityGroup), NEEDED_PORTS),
    fileSystemBytes: await networkAndStorage.fileSystemBytes(idOf(resources, names.fileSystem)),
    scalableTargets: await networkAndStorage.scalableTargets(
      idOf(resources, names.cluster),
      service.serviceName as string,
    ),
    drifts: await networkAndStorage.drifted(stackName, edited),
  };
}
