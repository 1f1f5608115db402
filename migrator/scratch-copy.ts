import { createHash } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { access, type FileHandle, mkdtemp, open, realpath, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Refused } from '../statemachine/errors.ts';
import { together } from './together.ts';

/** What a file of the source was at the time of the copy. `db-shm` is left out: SQLite makes it anew from the WAL. */
export interface FileFingerprint {
  file: string;
  bytes: number;
  modified: string;
  sha256: string;
}

export interface SourceFingerprint {
  files: FileFingerprint[];
  /** While all files were read, the database was not changed and its WAL only grew: no checkpoint tore the copy. */
  still: boolean;
}

export interface ScratchCopy extends SourceFingerprint {
  /** Path of the copied database. */
  path: string;
  remove(): Promise<void>;
}

// A hot rollback journal belongs to the database just as a WAL does: without it, half a transaction would count as data.
export const SUFFIXES = ['', '-wal', '-journal'];
const READ_BYTES = 1024 * 1024;
const SQLITE_HEADER = 'SQLite format 3\0';
/** Its salts change whenever SQLite begins the WAL anew. Source: SQLite, "Database File Format", section 4.1. */
const WAL_HEADER_BYTES = 32;

/**
 * Says whether there is a SQLite file at `path`, without opening it by SQLite, which would make an empty one.
 *
 * @throws Refused when the file is missing, empty, unreadable or something else
 */
export async function assertSqliteFile(path: string): Promise<void> {
  let header: Buffer;
  try {
    await access(path, constants.R_OK);
    const file = await open(path, 'r');
    try {
      header = Buffer.alloc(SQLITE_HEADER.length);
      const { bytesRead } = await file.read(header, 0, header.length, 0);
      if (bytesRead === 0)
        throw new Refused(
          `The SQLite file ${path} is empty (0 bytes): expected a relay's database. Check SQLITE_PATH and the mount.`,
        );
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new Refused(`There is no SQLite file at ${path}. Check SQLITE_PATH and the mount; nothing was created.`);
    if (code === 'EACCES')
      throw new Refused(`The SQLite file ${path} cannot be read: permission denied for uid ${process.geteuid?.()}.`);
    if (code === 'EISDIR')
      throw new Refused(`${path} is a directory: expected the SQLite file in it, for example ${join(path, 'db')}.`);
    throw new Error(`The SQLite file ${path} could not be read.`, { cause: error });
  }
  if (header.toString('latin1') !== SQLITE_HEADER) {
    throw new Refused(`${path} is not a SQLite database: it does not begin with "SQLite format 3". Check SQLITE_PATH.`);
  }
}

/**
 * Copies the database with its WAL (or rollback journal) into a new directory and leaves the source untouched; SQLite
 * itself would write to it, even when it only reads: it recovers the WAL and builds `db-shm`.
 *
 * @throws Refused when the scratch file system has too little room
 */
export async function makeScratchCopy(path: string, scratchDirectory = tmpdir()): Promise<ScratchCopy> {
  await assertRoom(path, scratchDirectory);
  const { directory, remove } = await makeScratch(scratchDirectory, 'source');
  try {
    const copy = join(directory, 'db');
    const fingerprints = await fingerprint(path, copy);
    return { path: copy, ...fingerprints, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Makes a directory that is gone at the end of the process, at the latest.
 *
 * @throws Refused when the scratch directory cannot be used
 */
export async function makeScratch(
  scratchDirectory: string,
  purpose: string,
): Promise<{ directory: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(scratchDirectory, `relay-cutover-${purpose}-`)).catch((cause) => {
    throw unusable(scratchDirectory, cause);
  });
  // Ctrl-C ends the process in the middle of anything; a copy of a relay's data must not stay behind.
  const removeAtExit = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  return {
    directory,
    async remove() {
      process.off('exit', removeAtExit);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Reads every file of the source, with `copyTo` into a copy as well. */
export async function fingerprint(sqlitePath: string, copyTo?: string): Promise<SourceFingerprint> {
  // SQLite follows a symbolic link and keeps the WAL beside the file that it leads to.
  const path = await realpath(sqlitePath);
  const files: FileFingerprint[] = [];
  const generation = await generationOf(path);
  for (const suffix of SUFFIXES) {
    const before = await statOrNothing(path + suffix);
    if (!before) continue;
    const { bytes, sha256 } = await readThrough(path + suffix, copyTo && copyTo + suffix);
    files.push({ file: basename(path + suffix), bytes, modified: before.mtime.toISOString(), sha256 });
  }
  return { files, still: (await generationOf(path)) === generation };
}

/** Reads a file from end to end, with `copyTo` into a copy as well. */
export async function readThrough(path: string, copyTo?: string): Promise<{ bytes: number; sha256: string }> {
  const reader = await open(path, 'r');
  try {
    const writer = copyTo === undefined ? undefined : await open(copyTo, 'w');
    try {
      return await pass(reader, writer);
    } finally {
      await writer?.close();
    }
  } finally {
    await reader.close();
  }
}

/**
 * Two buffers in turn: while one is hashed and written, the other is being filled. Streams would make a new one for each
 * chunk, faster than they are collected.
 */
async function pass(reader: FileHandle, writer: FileHandle | undefined): Promise<{ bytes: number; sha256: string }> {
  const sum = createHash('sha256');
  const buffers = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)] as const;
  let [filled, free] = buffers;
  let bytes = 0;
  let { bytesRead } = await reader.read(filled, 0, READ_BYTES, null);
  while (bytesRead > 0) {
    const chunk = filled.subarray(0, bytesRead);
    const [written, next] = [writer?.writeFile(chunk), reader.read(free, 0, READ_BYTES, null)];
    sum.update(chunk);
    bytes += bytesRead;
    [, { bytesRead }] = await together(written, next);
    [filled, free] = [free, filled];
  }
  return { bytes, sha256: sum.digest('hex') };
}

/**
 * What stays the same as long as the relay only appends to the WAL. A checkpoint changes the database; after it SQLite
 * begins the WAL anew, and a copy might hold its first frames from before and the rest from after.
 */
async function generationOf(path: string): Promise<string> {
  const database = await stat(path, { bigint: true });
  let header = '';
  try {
    const wal = await open(`${path}-wal`, 'r');
    try {
      const { buffer, bytesRead } = await wal.read(Buffer.alloc(WAL_HEADER_BYTES), 0, WAL_HEADER_BYTES, 0);
      header = buffer.toString('hex', 0, bytesRead);
    } finally {
      await wal.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return `${database.size} ${database.mtimeNs} ${header}`;
}

async function assertRoom(sqlitePath: string, scratchDirectory: string): Promise<void> {
  const path = await realpath(sqlitePath);
  const sizes = await Promise.all(SUFFIXES.map(async (suffix) => (await statOrNothing(path + suffix))?.size ?? 0));
  // The WAL counts twice: as a file and, once SQLite has checkpointed it, as new pages of the database.
  const needed = (sizes[0] as number) + 2 * ((sizes[1] as number) + (sizes[2] as number));
  let free: number;
  try {
    const { bavail, bsize } = await statfs(scratchDirectory);
    free = bavail * bsize;
  } catch (cause) {
    throw unusable(scratchDirectory, cause);
  }
  if (free < needed) {
    throw new Refused(
      `The scratch directory ${scratchDirectory} has ${free} bytes free and the copy of the source needs ${needed}. Give the task more ephemeral storage or set CUTOVER_SCRATCH_DIRECTORY.`,
    );
  }
}

function unusable(scratchDirectory: string, cause: unknown): Refused {
  return new Refused(
    `The scratch directory ${scratchDirectory} cannot be used: ${(cause as Error).message}. Set CUTOVER_SCRATCH_DIRECTORY.`,
    { cause },
  );
}

async function statOrNothing(path: string): Promise<{ size: number; mtime: Date; mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
