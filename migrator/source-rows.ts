import { setImmediate as pause } from 'node:timers/promises';
import { Refused } from '../statemachine/errors.ts';
import { DigestSum, hashRow, type TableDigest } from './digest.ts';
import type { Progress } from './progress.ts';
import { type BadValue, RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import type { Table } from './table-kinds.ts';

const BAD_ROWS_LISTED_MAX = 20;

/** SQLite is read synchronously; whoever walks over a whole table lets signals and timers in after so many rows. */
export const ROWS_BETWEEN_PAUSES = 4_096;

/**
 * Reads a table of the source row by row.
 *
 * @param inspect is shown every row as the source gives it
 * @returns each row as a record of `RowEncoder`: a view that is valid until the next row is asked for
 * @throws Refused at the end of the table when it holds rows that PostgreSQL cannot hold as they are, with all of them
 *   counted and the first of them listed; from the first bad row on none is handed out
 */
export function* encodedRows(
  source: Source,
  table: Table,
  encoder = new RowEncoder(table.columns),
  inspect?: (values: unknown[]) => void,
): Generator<Buffer> {
  const bad: { rowid: bigint; values: BadValue[] }[] = [];
  let badCount = 0;
  const bytesOfRow = source.row(table);
  for (const values of source.rows(table)) {
    inspect?.(values);
    const rowid = values[0] as bigint;
    const encoded = encoder.encodeText(values, 1) ?? encoder.encode(bytesOfRow(rowid), 1);
    if (Buffer.isBuffer(encoded)) {
      if (badCount === 0) yield encoded;
    } else if (++badCount <= BAD_ROWS_LISTED_MAX) {
      bad.push({ rowid, values: badValues(table, bytesOfRow(rowid)) });
    }
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

/** All of a row, so that nobody corrects one value only to hear of the next. */
function badValues(table: Table, values: unknown[]): BadValue[] {
  return table.columns
    .map((column, index) => new RowEncoder([column]).encode(values, index + 1))
    .filter((encoded): encoded is BadValue => !Buffer.isBuffer(encoded));
}

function describeBadRows(
  source: Source,
  table: Table,
  bad: { rowid: bigint; values: BadValue[] }[],
  count: number,
): string {
  const lines = bad.flatMap(({ rowid, values }) =>
    values.map(({ column, reason }) => {
      const expected = table.columns.find(({ name }) => name === column)?.type;
      const seen = reason.startsWith('not ')
        ? `SQLite stores it as ${source.typesOf(table, rowid)[column]}, expected ${expected}`
        : reason;
      return `  table "${table.name}", rowid ${rowid}, column "${column}": ${seen}`;
    }),
  );
  const more = count > bad.length ? [`  and ${count - bad.length} more`] : [];
  return [
    `${count} row(s) of "${table.name}" cannot stand in PostgreSQL as they are. Correct or remove them in the source, then repeat:`,
    ...lines,
    ...more,
  ].join('\n');
}
