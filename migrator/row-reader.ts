import type Database from 'better-sqlite3';
import { type Column, quoteIdentifier, type Table } from './table-kinds.ts';

/** What of a table is needed to read its rows; unlike the rest it can be sent to another thread. */
export type TableRows = Pick<Table, 'name' | 'kind' | 'columns'>;

/** Reads the rows of a SQLite file that can go over. */
export interface RowReader {
  countRows(table: TableRows): number;
  /**
   * The rows in the order in which they are stored: `[rowid, ...columns]`, as the driver gives them: text as string (a large
   * one as Buffer), integers as bigint, reals as number, blobs as Buffer, null.
   */
  rows(table: TableRows): IterableIterator<unknown[]>;
  /** The rowids of the same rows, in the same order. */
  rowids(table: TableRows): IterableIterator<bigint>;
  /**
   * Gives a function that reads one of them by its rowid, to the byte: text and blobs as Buffer, integers as bigint, reals as
   * number. What a value of another type than its column's comes as, RowEncoder says.
   */
  row(table: TableRows): (rowid: bigint) => unknown[];
  /** The storage classes that SQLite gives the values of one row, by column. */
  typesOf(table: TableRows, rowid: bigint): Record<string, string>;
}

const STRING_BYTES_MAX = 1024 * 1024;

/** @param keptBack see `Source.keptBack` */
export function createRowReader(database: Database.Database, keptBack: ReadonlyMap<string, string>): RowReader {
  return {
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
  };
}

/** A large text comes as bytes: as a string it would take three times its size before it is encoded. */
function selected({ name, type }: Column): string {
  const column = quoteIdentifier(name);
  if (type !== 'text') return column;
  return `iif(octet_length(${column}) > ${STRING_BYTES_MAX}, CAST(${column} AS BLOB), ${column})`;
}

/** What stands behind FROM for the rows of a table that are not kept back. */
export function sentRows(table: TableRows, keptBack: ReadonlyMap<string, string>): string {
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
