import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import { readTables } from './read-tables.ts';
import { assertSqliteFile, makeScratchCopy, type ScratchCopy } from './scratch-copy.ts';
import { assertSound } from './source-soundness.ts';
import { type ExcludedTable, NO_CHOICE, type TableChoice } from './table-choice.ts';
import { type Column, quoteIdentifier, type Table } from './table-kinds.ts';

export interface Source {
  tables: Table[];
  /** Known tables that stay behind, by name. */
  skipped: string[];
  /** Tables of no known kind that stay behind because somebody said so. */
  excluded: ExcludedTable[];
  /** What is to be told of generic tables, one sentence each. */
  notes: string[];
  copy: ScratchCopy;
  /** The open copy, to which `reverse` writes. */
  database: Database.Database;
  /** By table, the TEMP table whose `rid` are the rowids of the rows that are kept back (quarantine.ts): the next three hand none of them out. */
  keptBack: Map<string, string>;
  countRows(table: Table): number;
  /**
   * The rows in the order in which they are stored: `[rowid, ...columns]`, as the driver gives them: text as string (a large
   * one as Buffer), integers as bigint, reals as number, blobs as Buffer, null.
   */
  rows(table: Table): IterableIterator<unknown[]>;
  /** The rowids of the same rows, in the same order. */
  rowids(table: Table): IterableIterator<bigint>;
  /**
   * Gives a function that reads one of them by its rowid, to the byte: text and blobs as Buffer, integers as bigint, reals as
   * number. What a value of another type than its column's comes as, RowEncoder says.
   */
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
 * @param choice what is to become of tables of no known kind; without a word of it they are refused
 * @throws Refused when there is no database, it is damaged, or it holds a table of an unknown kind
 */
export async function openSource(
  path: string,
  scratchDirectory?: string,
  choice: TableChoice = NO_CHOICE,
): Promise<Source> {
  await assertSqliteFile(path);
  for (let attempt = 1; ; attempt++) {
    const copy = await makeScratchCopy(path, scratchDirectory);
    try {
      if (copy.still || attempt === COPY_ATTEMPTS_MAX) return openCopy(path, copy, choice);
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
export function openCopy(path: string, copy: ScratchCopy, choice: TableChoice = NO_CHOICE): Source {
  const database = openDatabase(copy.path);
  try {
    assertSound(database, path, copy, COPY_ATTEMPTS_MAX);
    const encoding = database.pragma('encoding', { simple: true });
    if (encoding !== 'UTF-8')
      throw new Refused(`The SQLite file ${path} has the encoding ${encoding}: expected UTF-8.`);
    const { tables, ...others } = readTables(database, path, choice);
    const keptBack = new Map<string, string>();
    return {
      tables,
      ...others,
      copy,
      database,
      keptBack,
      countRows: (table) =>
        database
          .prepare(`SELECT count(*) FROM ${sentRows(table, keptBack)}`)
          .pluck()
          .get() as number,
      rows: (table) =>
        database
          .prepare(
            `SELECT rowid, ${table.columns.map(selected).join(', ')} FROM ${sentRows(table, keptBack)} ORDER BY rowid`,
          )
          .safeIntegers()
          .raw()
          .iterate() as IterableIterator<unknown[]>,
      rowids: (table) =>
        database
          .prepare(`SELECT rowid FROM ${sentRows(table, keptBack)} ORDER BY rowid`)
          .pluck()
          .safeIntegers()
          .iterate() as IterableIterator<bigint>,
      row(table) {
        const statement = database.prepare(
          `SELECT rowid, ${table.columns.map(readColumn).join(', ')} FROM ${quoteIdentifier(table.name)} WHERE rowid = ?`,
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

/** What stands behind FROM for the rows of a table that are not kept back. */
export function sentRows(table: Table, keptBack: Source['keptBack']): string {
  const name = quoteIdentifier(table.name);
  const kept = keptBack.get(table.name);
  return kept === undefined
    ? name
    : `(SELECT rowid AS rowid, * FROM ${name} WHERE rowid NOT IN (SELECT rid FROM ${kept}))`;
}

/** SQL that gives the value of a column to the byte, as RowEncoder takes it. */
export function readColumn({ name, type, nullable }: Column): string {
  const column = quoteIdentifier(name);
  // As a string, better-sqlite3 would turn invalid UTF-8 into U+FFFD; as a blob the bytes stay what they are.
  if (type === 'text') return readAs(column, { text: `CAST(${column} AS BLOB)` }, nullable && '0');
  if (type === 'bytea') return readAs(column, { blob: column }, nullable && '0');
  if (type === 'float8') return readAs(column, { real: column, integer: column }, nullable && "x''");
  return readAs(column, { integer: column }, nullable && "x''");
}

/** @param other for values of another class, where NULL itself is one of the values */
function readAs(column: string, classes: Record<string, string>, other?: string): string {
  const cases = Object.entries(classes).map(([word, value]) => `WHEN '${word}' THEN ${value}`);
  return `CASE typeof(${column}) ${cases.join(' ')}${other === undefined ? '' : ` WHEN 'null' THEN NULL ELSE ${other}`} END`;
}

function openDatabase(path: string): Database.Database {
  const database = new Database(path, { fileMustExist: true });
  // Nobody else opens the copy; without other readers SQLite needs no shared-memory file.
  database.pragma('locking_mode = EXCLUSIVE');
  return database;
}
