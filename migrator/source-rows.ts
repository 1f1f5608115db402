import { setImmediate as pause } from 'node:timers/promises';
import { Refused } from '../statemachine/errors.ts';
import { DigestSum, hashRow } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import { type Finding, findingLines, type Progress } from './progress.ts';
import { type BadValue, RowEncoder } from './row-encoding.ts';
import type { RowReader, TableRows } from './row-reader.ts';

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
  reader: RowReader,
  table: TableRows,
  encoder = new RowEncoder(table.columns),
  inspect?: (values: unknown[]) => void,
): Generator<Buffer | BadRow> {
  const bytesOfRow = reader.row(table);
  for (const values of reader.rows(table)) {
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
  reader: RowReader,
  table: TableRows,
  encoder?: RowEncoder,
  inspect?: (values: unknown[]) => void,
): Generator<Buffer> {
  const bad: BadRow[] = [];
  let badCount = 0;
  for (const row of rowsOrFaults(reader, table, encoder, inspect)) {
    if (!Buffer.isBuffer(row)) {
      if (++badCount <= BAD_ROWS_LISTED_MAX) bad.push(row);
    } else if (badCount === 0) yield row;
  }
  if (badCount > 0) throw new Refused(describeBadRows(reader, table, bad, badCount));
}

/** How a pass over all rows of a table is followed, and what it does beside its own work. */
export interface Pass {
  /** Is told of further rows that are done; what it throws ends the pass. */
  count(rows: number): void;
  encoder?: RowEncoder;
  /** Is shown every row as the reader gives it. */
  inspect?: ((values: unknown[]) => void) | undefined;
}

/**
 * Reads a table of the source from end to end.
 *
 * @returns rows, digest and bytes
 * @throws Refused when it holds rows that the encoder does not take; what `inspect` throws
 */
export async function sourceDigest(
  reader: RowReader,
  table: TableRows,
  { count, encoder, inspect }: Pass,
): Promise<SourceFigures> {
  const sum = new DigestSum();
  for (const record of encodedRows(reader, table, encoder, inspect)) {
    sum.add(hashRow(record), record.length);
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pauseAfter(count);
  }
  count(sum.rows % ROWS_BETWEEN_PAUSES);
  return figuresOf(sum);
}

/** Follows a pass over a whole table by lines of progress. @param verb what is done with the rows, such as `verified` */
export async function followed<Result>(
  progress: Progress,
  verb: string,
  reader: RowReader,
  table: TableRows,
  pass: (count: Pass['count']) => Promise<Result>,
): Promise<Result> {
  const counter = progress.rows(verb, table.name, reader.countRows(table));
  const result = await pass(counter.add);
  counter.end();
  return result;
}

/** Tells of the rows since the last pause. */
export async function pauseAfter(count: Pass['count']): Promise<void> {
  count(ROWS_BETWEEN_PAUSES);
  await pause();
}

export function figuresOf(sum: DigestSum): SourceFigures {
  return { ...sum.result(), bytes: sum.bytes };
}

function badValues(table: TableRows, values: unknown[]): BadValue[] {
  return table.columns
    .map((column, index) => new RowEncoder([column]).encode(values, index + 1))
    .filter((encoded): encoded is BadValue => !Buffer.isBuffer(encoded));
}

/** What is wrong with a row, in words: where a value is of another type than its column, which one SQLite gives it. */
export function faultsOf(reader: RowReader, table: TableRows, { rowid, values }: BadRow): Finding['faults'] {
  return values.map(({ column, reason }) => {
    const expected = table.columns.find(({ name }) => name === column)?.type;
    const seen = reason.startsWith('not ')
      ? `SQLite stores it as ${reader.typesOf(table, rowid)[column]}, expected ${expected}`
      : reason;
    return { columns: [column], seen };
  });
}

function describeBadRows(reader: RowReader, table: TableRows, bad: BadRow[], count: number): string {
  const lines = bad.flatMap((row) =>
    findingLines({ table: table.name, rowid: row.rowid, faults: faultsOf(reader, table, row) }),
  );
  const more = count > bad.length ? [`  and ${count - bad.length} more`] : [];
  return [
    `${count} row(s) of "${table.name}" cannot stand in PostgreSQL as they are. Correct or remove them in the source, then repeat:`,
    ...lines.map((line) => `  ${line}`),
    ...more,
  ].join('\n');
}
