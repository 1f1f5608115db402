import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../statemachine/errors.ts';
import type { FileFingerprint } from './scratch-copy.ts';

/** A file below the data directory; `file` is its path from there, with slashes. */
export interface FoundFile {
  file: string;
  bytes: number;
}

/** The largest object that one PUT may bring. Source: Amazon S3 user guide, "Uploading objects". */
const OBJECT_BYTES_MAX = 5 * 2 ** 30;

/**
 * Every file below a directory, in the order of their names. Symbolic links are not followed.
 *
 * @throws Refused when there is anything but files and directories: an archive could not hold it
 */
export async function walk(directory: string, below = ''): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const file = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await walk(directory, file)));
    else if (entry.isFile()) found.push({ file, bytes: (await stat(join(directory, file))).size });
    else {
      throw new Refused(
        `${join(directory, file)} is neither a file nor a directory${entry.isSymbolicLink() ? ' but a symbolic link' : ''}: expected what an archive can hold. Nothing was archived. Remove it, or put a file in its place, then repeat.`,
      );
    }
  }
  return found;
}

/** @throws Refused when a file of the database would be left out, or one is too large */
export function assertArchivable(archived: FoundFile[], database: Pick<FileFingerprint, 'file'>[]): void {
  const missing = database.filter(({ file }) => !archived.some((one) => one.file === file));
  if (missing.length > 0) {
    throw new Refused(
      `${missing.map(({ file }) => file).join(', ')} would be left out of the archive: expected the whole database in it. Nothing was archived. Correct the setting archiveIgnore.`,
    );
  }
  const large = archived.filter(({ bytes }) => bytes > OBJECT_BYTES_MAX);
  if (large.length === 0) return;
  throw new Refused(
    `${large.map(({ file, bytes }) => `${file} has ${bytes} bytes`).join(', ')}: expected at most ${OBJECT_BYTES_MAX}, which is what one request can bring to S3. Nothing was archived. Copy it to a place of your own, name it in the setting archiveIgnore if it is not part of the database, then repeat.`,
  );
}
