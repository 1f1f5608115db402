import { Refused } from '../statemachine/errors.ts';
import { type BadValue, RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import type { Table } from './table-kinds.ts';

const BAD_ROWS_LISTED_MAX = 20;

/** SQLite is read synchronously; whoever walks over a whole table lets signals and timers in after so many rows. */
export const ROWS_BETWEEN_PAUSES = 4_096;

/**
 * Reads a table of the source row by row.
 *
 * @returns for each row the fields of its COPY tuple: a view that is valid until the next row is asked for
 * @throws Refused at the end of the table when it holds rows that PostgreSQL cannot hold as they are, with all of them
 *   counted and the first of them listed; from the first bad row on none is handed out
 */
export function* encodedRows(source: Source, table: Table, encoder = new RowEncoder(table.columns)): Generator<Buffer> {
  const bad: { rowid: bigint; values: BadValue[] }[] = [];
  let badCount = 0;
  for (const values of source.rows(table)) {
    const encoded = encoder.encode(values, 1);
    if (Buffer.isBuffer(encoded)) {
      if (badCount === 0) yield encoded;
    } else if (++badCount <= BAD_ROWS_LISTED_MAX) {
      bad.push({ rowid: values[0] as bigint, values: badValues(table, values) });
    }
  }
  if (badCount > 0) throw new Refused(describeBadRows(source, table, bad, badCount));
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
