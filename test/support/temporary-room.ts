import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** Half a GiB is what was seen at any time, three test files side by side; the programs need memory too. */
const FREE_BYTES_MIN = 8 * 2 ** 30;

/**
 * Gives all temporary files of a test run one directory, in memory where there is plenty of it: making a database there
 * takes a quarter of the time, and hundreds are made.
 *
 * @returns a function that removes it with all that is left in it
 */
export function makeTemporaryRoom(): () => void {
  const before = process.env.TMPDIR;
  // tsx keeps what it has translated in the temporary directory; a new one would have it begin anew.
  const translations = join(tmpdir(), tsxName());
  mkdirSync(translations, { recursive: true });
  const room = mkdtempSync(join(isPlentyOfMemory() ? MEMORY : tmpdir(), 'relay-cutover-tests-'));
  // As root, PostgreSQL runs under an account of its own and has to get in.
  chmodSync(room, 0o755);
  linkTranslations(translations, room);
  process.env.TMPDIR = room;
  return () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(room, { recursive: true, force: true });
  };
}

/** Lets programs whose temporary directory is `directory` have what tsx has translated already. */
export function shareTranslations(directory: string): void {
  linkTranslations(join(tmpdir(), tsxName()), directory);
}

function linkTranslations(from: string, directory: string): void {
  symlinkSync(from, join(directory, tsxName()), 'dir');
}

/** As tsx names its cache; under another name it would only be slower. */
function tsxName(): string {
  return `tsx-${process.geteuid?.() ?? ''}`;
}

function isPlentyOfMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, freemem()) >= FREE_BYTES_MIN;
  } catch {
    // No such directory, as everywhere but on Linux.
    return false;
  }
}
