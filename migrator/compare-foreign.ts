import type pg from 'pg';
import { copyIn } from './copy-in.ts';
import { bytesOf, DigestSum, hashRow, rowHashSql, type TableDigest } from './digest.ts';
import type { Progress } from './progress.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { encodedRows } from './source-rows.ts';
import { quoteIdentifier, SQL_TYPES, type Table } from './table-kinds.ts';
import { targetDigest } from './verify-table.ts';

const NAMED_MAX = 5;
const SHOWN_CHARACTERS_MAX = 100;

/**
 * Compares a table of the target that no run of the migrator made with the source, and changes neither.
 *
 * @returns the digest that both have, or a sentence that says how they differ, with some of the rows that only the target has
 */
export async function compareForeign(
  client: pg.Client,
  source: Source,
  table: Table,
  progress: Progress,
): Promise<TableDigest | string> {
  const other = await otherShape(client, table);
  if (other) return other;
  await client.query('BEGIN');
  try {
    const ours = await sendHashes(client, source, table, progress);
    const theirs = (await targetDigest(client, table)) as TableDigest;
    if (theirs.rows === ours.rows && theirs.digest === ours.digest) return ours;
    return await difference(client, table, ours, theirs);
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

/** A table that the relay would not have made so is nobody's copy of the source. */
async function otherShape(client: pg.Client, { name, columns, create }: Table): Promise<string | undefined> {
  const { rows } = await client.query<{ column: string; type: string }>(
    `SELECT attname AS column, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE "C"`,
    [quoteIdentifier(name)],
  );
  const inWords = (list: { column: string; type: string }[]): string =>
    list.map(({ column, type }) => `${column} ${type}`).join(', ');
  const expected = columns.map(({ name: column, type }) => ({ column, type: SQL_TYPES[type] }));
  if (create.some((statement) => statement.includes('search_vector tsvector')))
    expected.push({ column: 'search_vector', type: 'tsvector' });
  expected.sort((one, other) => (one.column < other.column ? -1 : 1));
  if (inWords(rows) === inWords(expected)) return undefined;
  return `it has the columns ${inWords(rows)}; expected ${inWords(expected)}`;
}

/** All hashes of the source's rows, as a temporary table of the target. @returns their digest */
async function sendHashes(client: pg.Client, source: Source, table: Table, progress: Progress): Promise<TableDigest> {
  const sum = new DigestSum();
  const counter = progress.rows('compared', table.name, source.countRows(table));
  const encoder = new RowEncoder([]);
  function* tuples(): Generator<Buffer> {
    for (const fields of encodedRows(source, table)) {
      const rowHash = hashRow(fields);
      sum.add(rowHash);
      counter.add(1);
      yield encoder.tuple(encoder.encode([], 0) as Buffer, bytesOf(rowHash));
    }
  }
  await client.query('CREATE TEMP TABLE cutover_hashes (row_hash bytea) ON COMMIT DROP');
  await copyIn(client, 'cutover_hashes', ['row_hash'], tuples());
  counter.end();
  return sum.result();
}

async function difference(client: pg.Client, table: Table, ours: TableDigest, theirs: TableDigest): Promise<string> {
  const shown = (table.key === undefined ? table.columns.map(({ name }) => name) : [table.key]).map(
    (column) => `left(${quoteIdentifier(column)}::text, ${SHOWN_CHARACTERS_MAX})`,
  );
  // Equal rows are told apart by a number: of three duplicates against two, one is only in the target.
  const numbered = (columns: string, from: string): string =>
    `SELECT ${columns} row_hash, row_number() OVER (PARTITION BY row_hash) AS occurrence FROM ${from}`;
  const hashed = `(SELECT *, ${rowHashSql(table.columns)} AS row_hash FROM ${quoteIdentifier(table.name)} OFFSET 0) AS hashed`;
  await client.query('ANALYZE cutover_hashes');
  const { rows } = await client.query<{ row: string[]; count: number }>(
    `SELECT row, count(*) OVER ()::float8 AS count FROM (${numbered(`ARRAY[${shown.join(', ')}] AS row,`, hashed)}) AS theirs
     WHERE NOT EXISTS (SELECT FROM (${numbered('', 'cutover_hashes')}) AS ours
                       WHERE ours.row_hash = theirs.row_hash AND ours.occurrence = theirs.occurrence)
     ORDER BY 1 LIMIT ${NAMED_MAX}`,
  );
  const only = rows[0]?.count ?? 0;
  const missing = ours.rows - (theirs.rows - only);
  const named = rows.map(({ row }) => JSON.stringify(row.join(' ')));
  return [
    ...(only > 0
      ? [`${only} of them only in the target: ${named.join(', ')}${only > named.length ? ', ...' : ''}`]
      : []),
    ...(missing > 0 ? [`${missing} rows of the source are not there`] : []),
  ].join(', and ');
}
