import pg from 'pg';
import { copyIn } from './copy-in.ts';
import { bytesOf, DigestSum, type TableDigest } from './digest.ts';
import { keptRows } from './quarantine.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import type { Column, Table } from './table-kinds.ts';

const COLUMNS: Column[] = [
  { name: 'table_name', type: 'text' },
  { name: 'source_rowid', type: 'int8' },
  { name: 'reason', type: 'text' },
  { name: 'run_id', type: 'text' },
];

const HASHES_FETCHED = 1_000;

/** How COPY's binary format begins a jsonb. Source: PostgreSQL, `jsonb_recv`. */
const JSONB_VERSION = Buffer.from([1]);

/**
 * Makes `cutover.quarantine` say what the source keeps back of its tables, and nothing else: a row that was corrected in the
 * source leaves it. Runs inside the transaction of the caller.
 *
 * @returns rows and digest of each table that has any
 */
export async function replaceQuarantine(
  client: pg.Client,
  source: Source,
  runId: string,
): Promise<Map<string, TableDigest>> {
  await client.query('DELETE FROM cutover.quarantine WHERE table_name = ANY ($1)', [
    source.tables.map(({ name }) => name),
  ]);
  const digests = new Map<string, TableDigest>();
  for (const table of source.tables.filter(({ name }) => source.keptBack.has(name))) {
    const sum = new DigestSum();
    await client.query('CREATE TEMP TABLE cutover_kept_back (LIKE cutover.quarantine) ON COMMIT DROP');
    const names = [...COLUMNS.map(({ name }) => name), 'row_hash', 'row'];
    await copyIn(client, 'cutover_kept_back', names, tuples(source, table, runId, sum));
    const list = names.join(', ');
    await client.query(`INSERT INTO cutover.quarantine (${list}) SELECT ${list} FROM cutover_kept_back`);
    await client.query('DROP TABLE cutover_kept_back');
    digests.set(table.name, sum.result());
  }
  return digests;
}

function* tuples(source: Source, table: Table, runId: string, sum: DigestSum): Generator<Buffer> {
  const encoder = new RowEncoder(COLUMNS);
  const [name, run] = [Buffer.from(table.name), Buffer.from(runId)];
  for (const { rowid, reason, rowHash, values } of keptRows(source, table)) {
    const fields = encoder.encode([name, rowid, Buffer.from(reason), run], 0) as Buffer;
    const row = Buffer.concat([JSONB_VERSION, Buffer.from(JSON.stringify(values))]);
    sum.add(rowHash);
    yield encoder.tuple(fields, bytesOf(rowHash), row);
  }
}

/** Whether the target's quarantine has rows of one of the tables. */
export async function hasQuarantine(client: pg.Client, tables: Table[]): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass('cutover.quarantine') IS NOT NULL AS there");
  if (!rows[0].there) return false;
  const { rows: found } = await client.query(
    'SELECT EXISTS (SELECT FROM cutover.quarantine WHERE table_name = ANY ($1)) AS any',
    [tables.map(({ name }) => name)],
  );
  return found[0].any;
}

/** The hashes of the rows of a table that stand in the target's quarantine, inside the transaction of the caller. */
export async function* quarantinedHashes(client: pg.Client, table: string): AsyncGenerator<Buffer> {
  await client.query(
    `DECLARE cutover_quarantine NO SCROLL CURSOR FOR SELECT row_hash FROM cutover.quarantine WHERE table_name = ${pg.escapeLiteral(table)}`,
  );
  for (;;) {
    const { rows } = await client.query<{ row_hash: Buffer }>(`FETCH ${HASHES_FETCHED} FROM cutover_quarantine`);
    yield* rows.map((row) => row.row_hash);
    if (rows.length < HASHES_FETCHED) break;
  }
  await client.query('CLOSE cutover_quarantine');
}
