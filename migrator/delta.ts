import { setImmediate as pause } from 'node:timers/promises';
import type pg from 'pg';
import { copyIn } from './copy-in.ts';
import {
  DigestSum,
  type DigestSumRow,
  digestSumSql,
  hashRow,
  laneOf,
  lanesOf,
  rowHashSql,
  type TableDigest,
} from './digest.ts';
import type { Progress } from './progress.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { encodedRows, ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

/**
 * Rows fall into buckets by the first 16 bits of their hash. Each side sums each bucket in one sequential pass; only rows
 * of buckets that differ are looked at one by one. No key is needed, duplicates count, and memory does not grow with rows.
 */
const BUCKETS = 2 ** 16;
const BUCKET_SQL = '(get_byte(row_hash, 0) << 8 | get_byte(row_hash, 1))';
const BUCKETS_FETCHED = 1_024;
const WORDS = 8;
const LANES = 4;

export interface DeltaResult extends TableDigest {
  inserted: number;
  deleted: number;
}

/**
 * Makes the target's table equal to the source's: rows that only the target has go, rows that only the source has come;
 * a changed row is one of each. Runs inside the caller's transaction, with tables that others refer to first: deleting an
 * event takes its tags along, and the tags' own delta brings back those that should be there.
 *
 * @returns rows and digest of the source, and what was changed in the target
 */
export async function applyDelta(
  client: pg.Client,
  source: Source,
  table: Table,
  progress: Progress,
): Promise<DeltaResult> {
  const target = await targetBuckets(client, table);
  const { sum, words, counts } = await sourceBuckets(source, table, progress);
  const dirty = dirtyBuckets(target, words, counts);
  progress.moment(`compared: ${table.name}`);
  const change = dirty.size === 0 ? { inserted: 0, deleted: 0 } : await exchangeRows(client, source, table, dirty);
  progress.moment(`delta applied: ${table.name}`);
  return { ...sum.result(), ...change };
}

interface TargetBuckets {
  counts: Float64Array;
  lanes: BigUint64Array;
}

/** Fetched in parts and kept as numbers: all buckets as rows of text would take tens of megabytes. */
async function targetBuckets(client: pg.Client, table: Table): Promise<TargetBuckets> {
  const counts = new Float64Array(BUCKETS);
  const lanes = new BigUint64Array(BUCKETS * LANES);
  await client.query(
    `DECLARE cutover_buckets NO SCROLL CURSOR FOR SELECT ${BUCKET_SQL} AS bucket, ${digestSumSql('row_hash')}
     FROM (SELECT ${rowHashSql(table.columns)} AS row_hash FROM ${quoteIdentifier(table.name)} OFFSET 0) AS hashed GROUP BY 1`,
  );
  for (;;) {
    const { rows } = await client.query<DigestSumRow & { bucket: number }>(
      `FETCH ${BUCKETS_FETCHED} FROM cutover_buckets`,
    );
    for (const row of rows) {
      counts[row.bucket] = row.rows;
      lanes.set(
        lanesOf(row).map((lane) => BigInt.asUintN(64, lane)),
        row.bucket * LANES,
      );
    }
    if (rows.length < BUCKETS_FETCHED) break;
  }
  await client.query('CLOSE cutover_buckets');
  return { counts, lanes };
}

async function sourceBuckets(
  source: Source,
  table: Table,
  progress: Progress,
): Promise<{ sum: DigestSum; words: Float64Array; counts: Uint32Array }> {
  const sum = new DigestSum();
  // Sums of 32-bit words stay exact in a double up to 2^21 rows a bucket, which is 10^11 rows a table.
  const words = new Float64Array(BUCKETS * WORDS);
  const counts = new Uint32Array(BUCKETS);
  const counter = progress.rows('compared', table.name, source.countRows(table));
  for (const fields of encodedRows(source, table)) {
    const rowHash = hashRow(fields);
    sum.add(rowHash);
    const bucket = rowHash.readUInt16BE(0);
    counts[bucket] = (counts[bucket] as number) + 1;
    for (let word = 0; word < WORDS; word++) {
      const index = bucket * WORDS + word;
      words[index] = (words[index] as number) + rowHash.readUInt32BE(word * 4);
    }
    counter.add(1);
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pause();
  }
  counter.end();
  return { sum, words, counts };
}

function dirtyBuckets(target: TargetBuckets, words: Float64Array, counts: Uint32Array): Set<number> {
  const dirty = new Set<number>();
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const laneDiffers = (lane: number): boolean =>
      BigInt.asUintN(64, laneOf(words, bucket * WORDS + lane * 2)) !== target.lanes[bucket * LANES + lane];
    if (counts[bucket] !== target.counts[bucket] || [0, 1, 2, 3].some(laneDiffers)) dirty.add(bucket);
  }
  return dirty;
}

async function exchangeRows(
  client: pg.Client,
  source: Source,
  table: Table,
  dirty: Set<number>,
): Promise<{ inserted: number; deleted: number }> {
  const name = quoteIdentifier(table.name);
  const names = table.columns.map((column) => column.name);
  const columns = names.map(quoteIdentifier).join(', ');
  // Equal rows are told apart by a number, so that of three duplicates against two exactly one comes or goes.
  const numbered = 'SELECT ctid AS place, row_hash, row_number() OVER (PARTITION BY row_hash) AS occurrence';

  await client.query(
    `CREATE TEMP TABLE cutover_delta ON COMMIT DROP AS SELECT ${columns}, ''::bytea AS row_hash FROM ${name} WITH NO DATA`,
  );
  await copyIn(client, 'cutover_delta', [...names, 'row_hash'], dirtyTuples(source, table, dirty));
  await client.query(`CREATE TEMP TABLE cutover_ours ON COMMIT DROP AS ${numbered} FROM cutover_delta`);
  await client.query(
    `CREATE TEMP TABLE cutover_theirs ON COMMIT DROP AS ${numbered}
     FROM (SELECT ctid, ${rowHashSql(table.columns)} AS row_hash FROM ${name} OFFSET 0) AS hashed
     WHERE ${BUCKET_SQL} = ANY ('{${[...dirty].join(',')}}'::int[])`,
  );
  // Temporary tables have no statistics of their own, and without them the anti-joins become nested loops.
  await client.query('ANALYZE cutover_delta, cutover_ours, cutover_theirs');
  const deleted = await client.query(
    `DELETE FROM ${name} USING cutover_theirs AS theirs WHERE ${name}.ctid = theirs.place
     AND NOT EXISTS (SELECT FROM cutover_ours AS ours WHERE ours.row_hash = theirs.row_hash AND ours.occurrence = theirs.occurrence)`,
  );
  const inserted = await client.query(
    `INSERT INTO ${name} (${columns}) SELECT ${columns} FROM cutover_delta JOIN cutover_ours AS ours ON ours.place = cutover_delta.ctid
     WHERE NOT EXISTS (SELECT FROM cutover_theirs AS theirs WHERE theirs.row_hash = ours.row_hash AND theirs.occurrence = ours.occurrence)`,
  );
  await client.query('DROP TABLE cutover_delta, cutover_ours, cutover_theirs');
  return { inserted: inserted.rowCount ?? 0, deleted: deleted.rowCount ?? 0 };
}

function* dirtyTuples(source: Source, table: Table, dirty: Set<number>): Generator<Buffer> {
  const encoder = new RowEncoder(table.columns);
  for (const fields of encodedRows(source, table, encoder)) {
    const rowHash = hashRow(fields);
    if (dirty.has(rowHash.readUInt16BE(0))) yield encoder.tuple(fields, rowHash);
  }
}
