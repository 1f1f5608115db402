import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { x as unpack } from 'tar';
import { assertSqliteFile, makeScratchCopy } from '../migrator/scratch-copy.ts';
import { classify, quoteIdentifier, type Table } from '../migrator/table-kinds.ts';
import { Refused } from '../statemachine/errors.ts';

const BUNDLED_DATA = new URL('../test/fixtures/relay-data.tar.gz', import.meta.url);

/** Each file of a directory with its size, time of change and SHA-256: equal before and after means not changed by a byte. */
export async function directoryFingerprint(directory: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name);
    const { size, mtimeMs, isFile } = await stat(path).then((found) => ({
      size: found.size,
      mtimeMs: found.mtimeMs,
      isFile: found.isFile(),
    }));
    if (!isFile) continue;
    const sum = createHash('sha256');
    for await (const chunk of createReadStream(path)) sum.update(chunk);
    lines.push(`${name} ${size} ${mtimeMs} ${sum.digest('hex')}`);
  }
  return lines;
}

/** Unpacks the data that the repository ships: a real relay's directory after a kill. */
export async function unpackBundledData(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await unpack({ file: fileURLToPath(BUNDLED_DATA), cwd: directory });
}

/** @throws Refused unless it is a directory with a SQLite file `db` in it */
export async function assertDataDirectory(directory: string): Promise<void> {
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    throw new Refused(
      `There is no directory ${directory}: --source expects a relay's data directory with the files db and db-wal.`,
    );
  }
  await assertSqliteFile(join(directory, 'db'));
}

/**
 * Counts the rows of `before` that `after` does not have. Left out is the relay's own list of admins, kind 13534, which
 * it writes anew at each start.
 */
export async function missingRows(
  before: string,
  after: string,
  scratchDirectory: string,
): Promise<Record<string, number>> {
  const oldCopy = await makeScratchCopy(before, scratchDirectory);
  const newCopy = await makeScratchCopy(after, scratchDirectory);
  try {
    return compareFiles(oldCopy.path, newCopy.path);
  } finally {
    await oldCopy.remove();
    await newCopy.remove();
  }
}

function compareFiles(before: string, after: string): Record<string, number> {
  const database = new Database(after, { fileMustExist: true });
  try {
    database.prepare('ATTACH ? AS old').run(before);
    const names = database
      .prepare("SELECT name FROM pragma_table_list WHERE schema = 'old' AND type = 'table'")
      .pluck()
      .all() as string[];
    return Object.fromEntries(
      names
        .filter((name) => classify(name) !== 'skipped')
        .map((name) => {
          const table = classify(name);
          const condition = typeof table === 'string' ? '' : withoutOwnList(table);
          const quoted = quoteIdentifier(name);
          const columns = columnsOf(database, name);
          const sql = `SELECT ${columns} FROM old.${quoted}${condition} EXCEPT SELECT ${columns} FROM main.${quoted}`;
          return [name, database.prepare(`SELECT count(*) FROM (${sql})`).pluck().get() as number];
        }),
    );
  } finally {
    database.close();
  }
}

/** By name, since the two files need not have them in the same order. */
function columnsOf(database: Database.Database, table: string): string {
  const columns = database.pragma(`old.table_info(${quoteIdentifier(table)})`) as { name: string }[];
  return columns.map(({ name }) => quoteIdentifier(name)).join(', ');
}

function withoutOwnList({ kind, after }: Table): string {
  if (kind === 'events') return ' WHERE kind <> 13534';
  if (kind !== 'event_tags') return '';
  return ` WHERE event_id NOT IN (SELECT id FROM old.${quoteIdentifier(after[0] as string)} WHERE kind = 13534)`;
}
