import { Refused } from '../statemachine/errors.ts';
import { fileSystemsOfAws } from './file-systems.ts';
import { FINALIZE_CHECKS, type FinalizeWorld } from './preflight/finalize-checks.ts';
import { type FinalizeWorldDependencies, finalizeParts, imageDefaultOf } from './preflight/finalize-world.ts';
import { networkOf, type TaskNetwork } from './preflight/migrator-plan.ts';
import { readAll } from './preflight/parts.ts';
import type { TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import { idOf, type RelayWorldEvent, relayWorldOfAws } from './preflight/relay-world.ts';
import { surroundingsOfAws } from './preflight/surroundings.ts';
import type { SampleEvent } from './sample-events.ts';
import type { TargetAddress } from './target-database.ts';

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

export interface PreflightFinalizeDependencies extends FinalizeWorldDependencies {
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
    const world = await readAll(finalizeParts(dependencies, event));
    const findings = findingsOf(FINALIZE_CHECKS, world);
    if (findings.length > 0 || 'refusal' in world.removing) throw new Refused(findings.join(' | '));
    return planOf(world, event.stackName, {
      imageDefault: imageDefaultOf(world),
      preview: world.removing.preview,
      ...dependencies.archive(),
    });
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
