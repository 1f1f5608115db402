import { addRdsEdits } from '../template-edits/add-rds.ts';
import { switchEdits } from '../template-edits/switch.ts';
import type { NetworkAndStorage } from './network-and-storage.ts';
import { type Parts, part } from './parts.ts';
import { NEEDED_PORTS, type PrepareSettings, type PrepareWorld } from './prepare-checks.ts';
import { editing } from './preview.ts';
import { idOf, type RelayWorldDependencies, relayParts } from './relay-world.ts';
import type { Surroundings } from './surroundings.ts';

export interface PrepareEvent {
  /** The execution's input. */
  input: unknown;
  stackName: string;
  settings: PrepareSettings;
}

export interface PrepareWorldDependencies extends RelayWorldDependencies {
  surroundings: Surroundings;
  networkAndStorage: NetworkAndStorage;
}

/** How everything is read that the checks before a preparation look at. */
export function prepareParts(
  dependencies: PrepareWorldDependencies,
  { input, stackName, settings }: PrepareEvent,
): Parts<PrepareWorld> {
  const { surroundings, networkAndStorage: room } = dependencies;
  const { names, newImage, migratorImage } = settings;
  const relay = relayParts(dependencies, { machine: 'prepare', input, stackName, names, newImage, sampleEvents: 0 }, [
    ...names.subnets,
    names.securityGroup,
    names.targetGroup,
    names.fileSystem,
  ]);
  const { resources, service, template } = relay;
  const id = async (logicalId: string): Promise<string> => idOf(await resources(), logicalId);
  const adding = part(async () => editing(await template(), () => addRdsEdits(settings)));
  // The name that the edit gives it, whether it is there or not.
  const databaseName = part(async () => (await resources()).get(names.databaseInstance) ?? `${stackName}-db`);
  return {
    ...relay,
    settings: async () => settings,
    adding,
    switching: part(async () => {
      const added = await adding();
      return 'refusal' in added ? added : editing(added.text, () => switchEdits(names, newImage));
    }),
    databaseName,
    database: part(async () => surroundings.database(await databaseName())),
    images: part(async () => [await surroundings.askRegistry(newImage), await surroundings.askRegistry(migratorImage)]),
    subnets: part(async () => room.subnets(await Promise.all(names.subnets.map(id)))),
    closedPorts: part(async () => room.closedPorts(await id(names.securityGroup), NEEDED_PORTS)),
    fileSystemBytes: part(async () => room.fileSystemBytes(await id(names.fileSystem))),
    scalableTargets: part(async () =>
      room.scalableTargets(await id(names.cluster), (await service()).serviceName as string),
    ),
    drifts: part(() => room.drifted(stackName, [names.service, names.taskDefinition, names.targetGroup])),
  };
}
