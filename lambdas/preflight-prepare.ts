import { Refused } from '../statemachine/errors.ts';
import type { ImageAnswer } from './preflight/image-registry.ts';
import { networkAndStorageOfAws } from './preflight/network-and-storage.ts';
import { readAll } from './preflight/parts.ts';
import { PREPARE_CHECKS } from './preflight/prepare-checks.ts';
import { type PrepareEvent, type PrepareWorldDependencies, prepareParts } from './preflight/prepare-world.ts';
import type { TemplatePreview } from './preflight/preview.ts';
import { findingsOf } from './preflight/relay-checks.ts';
import { relayWorldOfAws } from './preflight/relay-world.ts';
import { surroundingsOfAws } from './preflight/surroundings.ts';

/** What the preparation will do, for the states that do it and for people. */
export interface Preparation {
  /** The image of the migrator, with a digest in place of the tag where its registry tells one. */
  migratorImage: string;
  preview: TemplatePreview;
  fileSystemBytes: number;
  /** What could not be looked at, such as an image that its registry shows to nobody without a login. */
  notes: string[];
}

/**
 * Makes the handler that looks at everything that a preparation of the stack rests on (before runbook steps 2 to 4).
 *
 * @throws Refused with every finding at once; nothing has been changed then
 */
export function createHandler(dependencies: PrepareWorldDependencies): (event: PrepareEvent) => Promise<Preparation> {
  return async (event) => {
    const world = await readAll(prepareParts(dependencies, event));
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
