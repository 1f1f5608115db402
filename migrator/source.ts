import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import { assertSqliteFile, makeScratchCopy, type ScratchCopy } from './scratch-copy.ts';
import {
  type Column,
  classify,
  IDENTIFIER_BYTES_MAX,
  quoteIdentifier,
  TABLE_KINDS,
  type Table,
} from './table-kinds.ts';

export interface Source {
  tables: Table[];
  /** Known tables that stay behind, by name. */
  skipped: string[];
  copy: ScratchCopy;
  /** The open copy, to which `reverse` writes. */
  database: Database.Database;
  countRows(table: Table): number;
  /**
   * The rows in the order in which they are stored: `[rowid, ...columns]`, as the driver gives them: text as string (a large
   * one as Buffer), integers as bigint, reals as number, blobs as Buffer, null.
   */
  rows(table: Table): IterableIterator<unknown[]>;
  /** The rowids of the same rows, in the same order. */
  rowids(table: Table): IterableIterator<bigint>;
  /** Gives a function that reads one of them by its rowid, to the byte: text as Buffer, integers as bigint, null where a value has another type than its column. */
  row(table: Table): (rowid: bigint) => unknown[];
  /** The storage classes that SQLite gives the values of one row, by column. */
  typesOf(table: Table, rowid: bigint): Record<string, string>;
  /** Runs a query of the checks; integers come back as bigint. */
  query(sql: string): IterableIterator<Record<string, unknown>>;
  close(): Promise<void>;
}

const COPY_ATTEMPTS_MAX = 5;
const COPY_PAUSE_MILLISECONDS = 250;

const STRING_BYTES_MAX = 1024 * 1024;

/**
 * Opens a snapshot of the SQLite file at `path`: a copy, so that the source is not changed by a byte. `immutable=1` would
 * leave it alone as well, but drops the WAL in silence.
 *
 * While the relay is live a checkpoint may tear the copy; it is then made again. The last attempt is taken as it is if
 * it is sound, since `load` may be late: `reconcile` compares every row.
 *
 * @throws Refused when there is no database, it is damaged, or it holds a table of an unknown kind
 */
export async function openSource(path: string, scratchDirectory?: string): Promise<Source> {
  await assertSqliteFile(path);
  for (let attempt = 1; ; attempt++) {
    const copy = await makeScratchCopy(path, scratchDirectory);
    try {
      if (copy.still || attempt === COPY_ATTEMPTS_MAX) return openCopy(path, copy);
    } catch (error) {
      await copy.remove();
      throw error;
    }
    await copy.remove();
    await pause(COPY_PAUSE_MILLISECONDS);
  }
}

/**
 * Opens a copy that nobody writes to any more.
 *
 * @param path what it is a copy of, for the messages
 * @throws Refused as `openSource` does; the copy is then the caller's to remove
 */
export function openCopy(path: string, copy: ScratchCopy): Source {
  const database = openDatabase(copy.path);
  try {
    assertSound(database, path, copy);
    const encoding = database.pragma('encoding', { simple: true });
    if (encoding !== 'UTF-8')
      throw new Refused(`The SQLite file ${path} has the encoding ${encoding}: expected UTF-8.`);
    const { tables, skipped } = readTables(database, path);
    const columns = (table: Table): string =>
      table.columns
        .map(({ name, type }) => {
          const column = quoteIdentifier(name);
          // As a string, better-sqlite3 would turn invalid UTF-8 into U+FFFD; as a blob the bytes stay what they are.
          return `CASE typeof(${column}) WHEN '${type === 'text' ? 'text' : 'integer'}' THEN ${type === 'text' ? `CAST(${column} AS BLOB)` : column} END`;
        })
        .join(', ');
    return {
      tables,
      skipped,
      copy,
      database,
      countRows: (table) =>
        database
          .prepare(`SELECT count(*) FROM ${quoteIdentifier(table.name)}`)
          .pluck()
          .get() as number,
      rows: (table) =>
        database
          .prepare(
            `SELECT rowid, ${table.columns.map(selected).join(', ')} FROM ${quoteIdentifier(table.name)} ORDER BY rowid`,
          )
          .safeIntegers()
          .raw()
          .iterate() as IterableIterator<unknown[]>,
      rowids: (table) =>
        database
          .prepare(`SELECT rowid FROM ${quoteIdentifier(table.name)} ORDER BY rowid`)
          .pluck()
          .safeIntegers()
          .iterate() as IterableIterator<bigint>,
      row(table) {
        const statement = database.prepare(
          `SELECT rowid, ${columns(table)} FROM ${quoteIdentifier(table.name)} WHERE rowid = ?`,
        );
        statement.safeIntegers().raw();
        return (rowid) => statement.get(rowid) as unknown[];
      },
      typesOf: (table, rowid) =>
        database
          .prepare(
            `SELECT ${table.columns.map(({ name }) => `typeof(${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}`).join(', ')} FROM ${quoteIdentifier(table.name)} WHERE rowid = ?`,
          )
          .get(rowid) as Record<string, string>,
      query: (sql) => database.prepare(sql).safeIntegers().iterate() as IterableIterator<Record<string, unknown>>,
      async close() {
        database.close();
        await copy.remove();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A large text comes as bytes: as a string it would take three times its size before it is encoded. */
function selected({ name, type }: Column): string {
  const column = quoteIdentifier(name);
  if (type !== 'text') return column;
  return `iif(octet_length(${column}) > ${STRING_BYTES_MAX}, CAST(${column} AS BLOB), ${column})`;
}

function openDatabase(path: string): Database.Database {
  const database = new Database(path, { fileMustExist: true });
  // Nobody else opens the copy; without other readers SQLite needs no shared-memory file.
  database.pragma('locking_mode = EXCLUSIVE');
  return database;
}

function assertSound(database: Database.Database, path: string, copy: ScratchCopy): void {
  let findings: string;
  try {
    // Tables are read once from end to end, for which the 16 MB that better-sqlite3 would take are of no use. It is set
    // here, since it reads the file's header, and that may be the damage.
    database.pragma('cache_size = -4000');
    findings = (database.pragma('quick_check(5)') as { quick_check: string }[])
      .map((row) => row.quick_check)
      .join('; ');
    if (findings === 'ok') findings = lastPage(database, copy);
  } catch (error) {
    findings = (error as Error).message;
  }
  if (findings === 'ok') return;
  if (!copy.still) {
    throw new Error(
      `The SQLite file ${path} was checkpointed during each of ${COPY_ATTEMPTS_MAX} copies, and the last one is not sound. Repeat it when the relay writes less.`,
    );
  }
  throw new Refused(
    `The SQLite file ${path} is damaged: ${findings}. Nothing was copied. Restore a backup, or rescue what can be read with "sqlite3 db .recover".`,
  );
}

/** SQLite takes zeros for what is missing of the last page, without a word. A rollback journal would have cut the file to its length. */
function lastPage(database: Database.Database, { files }: ScratchCopy): string {
  const bytes = files[0]?.bytes ?? 0;
  const pageBytes = database.pragma('page_size', { simple: true }) as number;
  if (bytes % pageBytes === 0 || files.some(({ file }) => file.endsWith('-journal'))) return 'ok';
  return `its last page is cut off (${bytes} bytes in pages of ${pageBytes})`;
}

function readTables(database: Database.Database, path: string): { tables: Table[]; skipped: string[] } {
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .pluck()
    .all() as string[];
  const tables: Table[] = [];
  const skipped: string[] = [];
  const findings: string[] = [];
  for (const name of names) {
    const table = classify(name);
    if (table === 'skipped') skipped.push(name);
    else if (table === 'unknown') {
      findings.push(
        `The table "${name}" of ${path} is of no known kind (${TABLE_KINDS.map((kind) => kind.title).join(', ')}): it would be left behind. Drop it from the source if it is not needed.`,
      );
    } else {
      tables.push(table);
      findings.push(...shapeFindings(database, table));
    }
  }
  for (const table of tables) {
    for (const needed of table.after) {
      if (!names.includes(needed))
        findings.push(`The table "${table.name}" refers to "${needed}", which is not in ${path}.`);
    }
  }
  if (tables.length === 0 && findings.length === 0) {
    findings.push(
      `${path} holds no table of a relay: expected tables such as "sphere_relay__events". Check SQLITE_PATH.`,
    );
  }
  if (findings.length > 0) throw new Refused(findings.join('\n'));
  // Tables that others refer to come first: a foreign key must find its row.
  return { tables: tables.sort((a, b) => a.after.length - b.after.length), skipped };
}

function shapeFindings(database: Database.Database, table: Table): string[] {
  const findings: string[] = [];
  const actual = (database.pragma(`table_info(${quoteIdentifier(table.name)})`) as { name: string }[]).map(
    ({ name }) => name,
  );
  const expected = table.columns.map(({ name }) => name);
  const withoutRowid = database.prepare("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?").pluck();
  if (withoutRowid.get(table.name) === 1)
    findings.push(`The table "${table.name}" is WITHOUT ROWID: expected a table whose rows can be named by rowid.`);
  if ([...actual].sort().join() !== [...expected].sort().join()) {
    findings.push(`The table "${table.name}" has the columns ${actual.join(', ')}: expected ${expected.join(', ')}.`);
  }
  // All names that the target's relay derives from the schema are about as long as this one.
  const longest = [
    table.name,
    ...[...table.indexes, ...table.constraints, ...table.create].flatMap((sql) =>
      [...sql.matchAll(/"((?:[^"]|"")+)"/g)].map((match) => (match[1] ?? '').replaceAll('""', '"')),
    ),
  ].sort((a, b) => Buffer.byteLength(b) - Buffer.byteLength(a))[0] as string;
  if (Buffer.byteLength(longest) > IDENTIFIER_BYTES_MAX) {
    findings.push(
      `The table "${table.name}" needs the name "${longest}" in the target, which has ${Buffer.byteLength(longest)} bytes: PostgreSQL cuts names at ${IDENTIFIER_BYTES_MAX}. Rename the schema in the source.`,
    );
  }
  return findings;
}
