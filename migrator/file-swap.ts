import { constants, existsSync } from 'node:fs';
import { access, chmod, chown, mkdir, open, readlink, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Refused } from '../statemachine/errors.ts';
import type { Progress } from './progress.ts';
import { type FileFingerprint, fingerprint, readThrough } from './scratch-copy.ts';

/** What is known of a file whatever its time of change: a copy of it is the same file. */
export type FileContent = Pick<FileFingerprint, 'file' | 'bytes' | 'sha256'>;

interface SwapPlace {
  /** The file that a relay opens; a symbolic link has been followed. */
  path: string;
  directory: string;
  /** Holds the old files while they are exchanged; as long as it stands, the exchange is half done. */
  swapDirectory: string;
  newFile: string;
}

const SWAP_DIRECTORY = 'relay-cutover-swap';

/**
 * The database goes last, and comes back first: a WAL or a journal that stood without it would be thrown away by the next
 * program that opens the database and finds none.
 */
const MOVED_SUFFIXES = ['-journal', '-wal', '-shm', ''];

/** @throws Refused when the exchange of the files was begun and not ended: what stands at `sqlitePath` may be half of a database */
export async function assertNoSwap(sqlitePath: string): Promise<void> {
  const { swapDirectory } = await placeOf(sqlitePath);
  if (!(await isSwapPending(sqlitePath))) return;
  throw new Refused(
    `A "reverse" that was interrupted has left ${swapDirectory}: the SQLite file may be in there, or only a part of it may stand at ${sqlitePath}. Nothing was changed. Run "reverse" again; it ends or undoes what was begun.`,
  );
}

/** Whether an exchange of the files was begun and not ended. */
export async function isSwapPending(sqlitePath: string): Promise<boolean> {
  return existsSync((await placeOf(sqlitePath)).swapDirectory);
}

/**
 * Ends the exchange of an earlier run that was killed when its new file stands already, else puts all files back. Both may
 * run twice.
 *
 * @throws Refused when the directory cannot be written to, or somebody has put other files into the place
 */
export async function settleEarlierSwap(sqlitePath: string, progress: Progress): Promise<void> {
  const place = await placeOf(sqlitePath);
  // Where there is not even a directory, opening the file says so better.
  if (!existsSync(place.directory)) return;
  await access(place.directory, constants.W_OK).catch((cause) => {
    throw notWritable(place, cause);
  });
  const { path, swapDirectory, newFile } = place;
  if (existsSync(swapDirectory)) {
    const done = !existsSync(newFile) && existsSync(path) && existsSync(join(swapDirectory, basename(path)));
    if (done) {
      await keepOldFiles(place, progress);
      progress.say(`An earlier run had put the new ${path} into its place; its old files are kept.`);
    } else {
      await putBack(place, progress);
      progress.say(
        `An earlier run was interrupted while it exchanged ${path}; the old files stand in their place again.`,
      );
    }
  }
  await rm(newFile, { force: true });
}

/**
 * Copies a closed database beside the old one, onto the disk, and reads it back.
 *
 * @returns what the file will be once it stands in its place
 * @throws Refused when the directory cannot be written to, Error when the copy is not equal
 */
export async function writeNewFile(copyPath: string, sqlitePath: string, progress: Progress): Promise<FileContent> {
  const place = await placeOf(sqlitePath);
  const { path, newFile } = place;
  progress.moment('before new file');
  const written = await readThrough(copyPath, newFile).catch((cause) => {
    throw ['EACCES', 'EPERM', 'EROFS'].includes(cause.code) ? notWritable(place, cause) : cause;
  });
  const old = await stat(path);
  await chmod(newFile, old.mode & 0o7777);
  // Only root may give a file away. Where this is another user than the old file's, the relay's own access decides.
  await chown(newFile, old.uid, old.gid).catch(() => {});
  await flush(newFile);
  const back = await readThrough(newFile);
  if (back.sha256 !== written.sha256) {
    throw new Error(
      `${newFile} was written and does not read back as it was written. The old file stands untouched; repeat.`,
    );
  }
  progress.moment('new file written');
  return { file: basename(path), ...written };
}

/**
 * Exchanges the files: the old ones go into a directory of their own together, the new one takes their place. The old ones
 * are kept for good, in `before-reverse-<time>`.
 *
 * @param expected what the old files were when they were copied
 * @returns false when they are not that any more; they stand in their place again then
 */
export async function swapFiles(sqlitePath: string, expected: FileFingerprint[], progress: Progress): Promise<boolean> {
  const place = await placeOf(sqlitePath);
  const { path, directory, swapDirectory, newFile } = place;
  progress.moment('before swap');
  await mkdir(swapDirectory);
  await flush(directory);
  progress.moment('swap begun');
  for (const suffix of MOVED_SUFFIXES) {
    const name = basename(path) + suffix;
    if (!existsSync(path + suffix)) continue;
    await rename(path + suffix, join(swapDirectory, name));
    progress.moment(`moved aside: ${name}`);
  }
  await flush(swapDirectory);
  await flush(directory);
  // Looked at only now, when nobody can open them by their names any more.
  const moved = await fingerprint(join(swapDirectory, basename(path)));
  if (JSON.stringify(moved.files) !== JSON.stringify(expected)) {
    await putBack(place, progress);
    await rm(newFile, { force: true });
    return false;
  }
  progress.moment('old files compared');
  await rename(newFile, path);
  await flush(directory);
  progress.moment('new file in place');
  await keepOldFiles(place, progress);
  return true;
}

async function keepOldFiles({ directory, swapDirectory }: SwapPlace, progress: Progress): Promise<void> {
  const kept = join(directory, `before-reverse-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  await rename(swapDirectory, kept);
  await flush(directory);
  progress.moment('old files kept');
  progress.say(`The old files are kept in ${kept}.`);
}

/** The undo of `swapFiles`, as long as the new file is not in place. */
async function putBack({ path, directory, swapDirectory, newFile }: SwapPlace, progress: Progress): Promise<void> {
  const aside = MOVED_SUFFIXES.toReversed().filter((suffix) =>
    existsSync(join(swapDirectory, basename(path) + suffix)),
  );
  const inTheWay = aside.filter((suffix) => existsSync(path + suffix));
  if (inTheWay.length > 0) {
    throw new Refused(
      `${inTheWay.map((suffix) => path + suffix).join(' and ')} came to be after an interrupted run had moved the old files to ${swapDirectory}: somebody has opened the database meanwhile. Nothing was changed. Move what stands there elsewhere (it may hold rows that are nowhere else) and remove ${newFile}, then run "reverse" again.`,
    );
  }
  for (const suffix of aside) {
    await rename(join(swapDirectory, basename(path) + suffix), path + suffix);
    progress.moment(`put back: ${basename(path)}${suffix}`);
  }
  await flush(directory);
  await rmdir(swapDirectory);
  await flush(directory);
  progress.moment('swap undone');
}

/** Also where the file is missing, since it may be in the swap directory. */
async function placeOf(sqlitePath: string): Promise<SwapPlace> {
  const path = await followLinks(sqlitePath);
  const directory = dirname(path);
  return { path, directory, swapDirectory: join(directory, SWAP_DIRECTORY), newFile: `${path}.relay-cutover-new` };
}

async function followLinks(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) return followLinks(resolve(dirname(path), target));
  const directory = await realpath(dirname(path)).catch(() => dirname(path));
  return join(directory, basename(path));
}

/** A rename is on the disk only when the directory is, and a file's content when the file is. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function notWritable({ directory, path }: SwapPlace, cause: Error): Refused {
  return new Refused(
    `The new ${basename(path)} cannot be written to ${directory}: ${cause.message}. Mount the file system for writing in this task, then repeat.`,
    { cause },
  );
}
