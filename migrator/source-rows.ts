import { setImmediate as pause } from 'node:timers/promises';
import { Refused } from '../statemachine/errors.ts';
import { DigestSum, hashRow, type TableDigest } from './digest.ts';
import { type Finding, findingLines, type Progress } from './progress.ts';
import { type BadValue, RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import type { Table } from './table-kinds.ts';

const BAD_ROWS_LISTED_MAX = 20;

/** SQLite is read synchronously; whoever walks over a whole table lets signals and timers in after so many rows. */
export const ROWS_BETWEEN_PAUSES = 1_024;

/** A row that PostgreSQL cannot hold as it is, with all of its values that are at fault: nobody corrects one only to hear of the next. */
export interface BadRow {
  rowid: bigint;
  values: BadValue[];
}

/**
 * Reads a table of the source row by row.
 *
 * @param inspect is shown every row as the source gives it
 * @returns each row as a record of `RowEncoder`, a view that is valid until the next row is asked for; or what keeps it from
 *   having one
 */
export function* rowsOrFaults(
  source: Source,
  table: Table,
  encoder = new RowEncoder(table.columns),
  inspect?: (values: unknown[]) => void,
): Generator<Buffer | BadRow> {
  const bytesOfRow = source.row(table);
  for (const values of source.rows(table)) {
    inspect?.(values);
    const rowid = values[0] as bigint;
    const encoded = encoder.encodeText(values, 1) ?? encoder.encode(bytesOfRow(rowid), 1);
    yield Buffer.isBuffer(encoded) ? encoded : { rowid, values: badValues(table, bytesOfRow(rowid)) };
  }
}

/**
 * The same for rows of which none is expected to be bad.
 *
 * @throws Refused at the end of the table when it holds rows that PostgreSQL cannot hold as they are, with all of them
 *   counted and the first of them listed; from the first bad row on none is handed out
 */
export function* encodedRows(
  source: Source,
  table: Table,
  encoder?: RowEncoder,
  inspect?: (values: unknown[]) => void,
): Generator<Buffer> {
  const bad: BadRow[] = [];
  let badCount = 0;
  for (const row of rowsOrFaults(source, table, encoder, inspect)) {
    if (!Buffer.isBuffer(row)) {
      if (++badCount <= BAD_ROWS_LISTED_MAX) bad.push(row);
    } else if (badCount === 0) yield row;
  }
  if (badCount > 0) throw new Refused(describeBadRows(source, table, bad, badCount));
}

/**
 * Reads a table of the source from end to end.
 *
 * @returns its rows and digest
 * @throws Refused when it holds rows that the encoder does not take
 */
export async function sourceDigest(
  source: Source,
  table: Table,
  progress: Progress,
  encoder?: RowEncoder,
): Promise<TableDigest> {
  const sum = new DigestSum();
  const counter = progress.rows('verified', table.name, source.countRows(table));
  for (const fields of encodedRows(source, table, encoder)) {
    sum.add(hashRow(fields));
    counter.add(1);
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pause();
  }
  counter.end();
  return sum.result();
}

function badValues(table: Table, values: unknown[]): BadValue[] {
  return table.columns
    .map((column, index) => new RowEncoder([column]).encode(values, index + 1))
    .filter((encoded): encoded is BadValue => !Buffer.isBuffer(encoded));
}

/** What is wrong with a row, in words: where a value is of another type than its column, which one SQLite gives it. */
export function faultsOf(source: Source, table: Table, { rowid, values }: BadRow): Finding['faults'] {
  return values.map(({ column, reason }) => {
    const expected = table.columns.find(({ name }) => name === column)?.type;
    const seen = reason.startsWith('not ')
      ? `SQLite stores it as ${source.typesOf(table, rowid)[column]}, expected ${expected}`
      : reason;
    return { columns: [column], seen };
  });
}

function describeBadRows(source: Source, table: Table, bad: BadRow[], count: number): string {
  const lines = bad.flatMap((row) =>
    findingLines({ table: table.name, rowid: row.rowid, faults: faultsOf(source, table, row) }),
  );
  const more = count > bad.length ? [`  and ${count - bad.length} more`] : [];
  return [
    `${count} row(s) of "${table.name}" cannot stand in PostgreSQL as they are. Correct or remove them in the source, then repeat:`,
    ...lines.map((line) => `  ${line}`),
    ...more,
  ].join('\n');
}
