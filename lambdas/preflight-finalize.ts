import { Refused } from '../statemachine/errors.ts';
import { type FileSystems, fileSystemsOfAws } from './file-systems.ts';
import { FINALIZE_CHECKS, type FinalizeWorld, type Storage } from './preflight/finalize-checks.ts';
import { networkOf, type TaskNetwork } from './preflight/migrator-plan.ts';
import { editing, type TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import {
  idOf,
  type RelayWorld,
  type RelayWorldDependencies,
  type RelayWorldEvent,
  readRelayWorld,
  readTaskDefinition,
  relayWorldOfAws,
} from './preflight/relay-world.ts';
import { type Surroundings, surroundingsOfAws } from './preflight/surroundings.ts';
import type { SampleEvent } from './sample-events.ts';
import type { TargetAddress } from './target-database.ts';
import { parseTemplate } from './template-edits/document.ts';
import { finalizeEdits } from './template-edits/remove-efs.ts';

/** What the later states work with: names resolved once, so that nothing can shift under them. */
export interface FinalizePlan {
  cluster: string;
  service: string;
  domain: string;
  target: TargetAddress;
  /** Name of the RDS instance. */
  database: string;
  /** True when an earlier run has taken the file system out of the stack: its archive stands, and what remains is done. */
  isRemoved: boolean;
  /** Null once it has left the stack. */
  fileSystem: string | null;
  /** Archives the files; null once it has left the stack. */
  migration: ({ taskDefinition: string } & TaskNetwork) | null;
  /** Families of which no revision is to stay. */
  migrationFamilies: string[];
  archive: { bucket: string; prefix: string; taskRole: string };
  /** The image that the template's default has to become; null where it may stay as it is. */
  imageDefault: string | null;
  samples: SampleEvent[];
  /** For people: what will happen. */
  preview: TemplatePreview;
}

export interface PreflightFinalizeDependencies extends RelayWorldDependencies {
  surroundings: Pick<Surroundings, 'database'>;
  fileSystems: Pick<FileSystems, 'describe'>;
  /** Where the files go, and the role of the task that brings them there. */
  archive(): { bucket: string; taskRole: string };
}

/**
 * Makes the handler that looks at everything that the end of SQLite's file system rests on (before runbook step 6).
 *
 * @throws Refused with every finding at once; nothing has been changed then
 */
export function createHandler(
  dependencies: PreflightFinalizeDependencies,
): (event: RelayWorldEvent) => Promise<FinalizePlan> {
  return async (event) => {
    const { names } = event;
    const relay = await readRelayWorld(dependencies, { ...event, machine: 'finalize' }, [
      ...[...names.subnets, names.securityGroup],
      ...[names.databaseInstance, names.taskRole],
    ]);
    const imageDefault = imageDefaultOf(relay);
    const world: FinalizeWorld = {
      ...relay,
      database: await dependencies.surroundings.database(idOf(relay.resources, names.databaseInstance)),
      removing: editing(relay.template, () => finalizeEdits(names, imageDefault)),
      storage: await readStorage(dependencies, relay),
    };
    const findings = findingsOf(FINALIZE_CHECKS, world);
    if (findings.length > 0 || 'refusal' in world.removing) throw new Refused(findings.join(' | '));
    return planOf(world, event.stackName, { imageDefault, preview: world.removing.preview, ...dependencies.archive() });
  };
}

export const handler = createHandler({
  ...relayWorldOfAws(),
  surroundings: surroundingsOfAws(),
  fileSystems: fileSystemsOfAws(),
  archive: () => ({ bucket: setting('ARCHIVE_BUCKET'), taskRole: setting('ARCHIVE_ROLE') }),
});

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Refused(`The environment variable ${name} of the function is not set; deploy the stack again.`);
  return value;
}

async function readStorage(
  { ecs, fileSystems }: PreflightFinalizeDependencies,
  { resources, template, names }: RelayWorld,
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
function imageDefaultOf({ stack, template, names, newImage }: RelayWorld): string | null {
  const current = parseTemplate(template).model.Parameters[names.imageParameter]?.Default;
  const running = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === names.imageParameter)?.ParameterValue;
  const repository = newImage.replace(/(@.*|:[^/:]+)$/, '');
  const isOfTheCutover = running === newImage || running?.startsWith(`${repository}@`) === true;
  return current !== newImage && isOfTheCutover ? newImage : null;
}

function planOf(
  world: FinalizeWorld,
  stackName: string,
  more: Pick<FinalizePlan, 'imageDefault' | 'preview'> & { bucket: string; taskRole: string },
): FinalizePlan {
  const { names, resources, service, storage, database } = world;
  const { imageDefault, preview, bucket, taskRole } = more;
  return {
    cluster: idOf(resources, names.cluster),
    service: service.serviceName as string,
    domain: world.domain,
    target: database?.address as TargetAddress,
    database: idOf(resources, names.databaseInstance),
    isRemoved: storage === null,
    fileSystem: storage?.fileSystemId ?? null,
    migration: storage && { taskDefinition: storage.migrationTask?.taskDefinitionArn as string, ...networkOf(world) },
    // As the edits name them; those of the runbook that were registered by hand have the first name.
    migrationFamilies: [`${stackName}-migrate`, `${stackName}-rollback`],
    archive: { bucket, prefix: `archive/${stackName}`, taskRole },
    imageDefault,
    samples: world.samples,
    preview,
  };
}
