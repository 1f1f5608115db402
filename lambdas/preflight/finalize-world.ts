import type { FileSystems } from '../file-systems.ts';
import { parseTemplate } from '../template-edits/document.ts';
import { finalizeEdits } from '../template-edits/remove-efs.ts';
import type { FinalizeWorld, Storage } from './finalize-checks.ts';
import { type Parts, part } from './parts.ts';
import { editing } from './preview.ts';
import {
  idOf,
  type RelayWorld,
  type RelayWorldDependencies,
  type RelayWorldEvent,
  readTaskDefinition,
  relayParts,
} from './relay-world.ts';
import type { Surroundings } from './surroundings.ts';

export interface FinalizeWorldDependencies extends RelayWorldDependencies {
  surroundings: Pick<Surroundings, 'database'>;
  fileSystems: Pick<FileSystems, 'describe'>;
}

/** How everything is read that the checks before the end of SQLite's file system look at. */
export function finalizeParts(dependencies: FinalizeWorldDependencies, event: RelayWorldEvent): Parts<FinalizeWorld> {
  const { names } = event;
  const relay = relayParts(dependencies, { ...event, machine: 'finalize' }, [
    ...[...names.subnets, names.securityGroup],
    ...[names.databaseInstance, names.taskRole],
  ]);
  const { resources, template } = relay;
  return {
    ...relay,
    database: part(async () => dependencies.surroundings.database(idOf(await resources(), names.databaseInstance))),
    removing: part(async () => {
      const image = imageDefaultOf({ ...event, stack: await relay.stack(), template: await template() });
      return editing(await template(), () => finalizeEdits(names, image));
    }),
    storage: part(async () =>
      readStorage(dependencies, { names, resources: await resources(), template: await template() }),
    ),
  };
}

async function readStorage(
  { ecs, fileSystems }: FinalizeWorldDependencies,
  { resources, template, names }: Pick<RelayWorld, 'resources' | 'template' | 'names'>,
): Promise<Storage | null> {
  const fileSystemId = resources.get(names.fileSystem);
  if (fileSystemId === undefined) return null;
  const migrationTask = resources.get(names.migrationTaskDefinition);
  return {
    fileSystemId,
    fileSystem: await fileSystems.describe(fileSystemId),
    deletionPolicy: parseTemplate(template).model.Resources[names.fileSystem]?.DeletionPolicy,
    migrationTask: migrationTask === undefined ? undefined : await readTaskDefinition(ecs, migrationTask),
  };
}

/**
 * `switch` has set the default already. It is set again only while the stack still runs the very image that the cutover
 * brought: a default that an owner has moved on together with the relay is his.
 */
export function imageDefaultOf({
  stack,
  template,
  names,
  newImage,
}: Pick<RelayWorld, 'stack' | 'template' | 'names' | 'newImage'>): string | null {
  const current = parseTemplate(template).model.Parameters[names.imageParameter]?.Default;
  const running = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === names.imageParameter)?.ParameterValue;
  const repository = newImage.replace(/(@.*|:[^/:]+)$/, '');
  const isOfTheCutover = running === newImage || running?.startsWith(`${repository}@`) === true;
  return current !== newImage && isOfTheCutover ? newImage : null;
}
