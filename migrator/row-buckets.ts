import type pg from 'pg';
import { DigestSum, digestSumSql, hashRow, laneOf, type RowHash, rowBitsSql, withColumn, wordOf } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import type { RowReader, TableRows } from './row-reader.ts';
import { encodedRows, figuresOf, type Pass, pauseAfter, ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import type { Table } from './table-kinds.ts';

/**
 * Rows fall into buckets by the first 16 bits of their hash. Each side sums each bucket in one sequential pass; only rows
 * of buckets that differ are looked at one by one. No key is needed, duplicates count, and memory does not grow with rows.
 */
const BUCKETS = 2 ** 16;
export const BUCKET_SQL = '(get_byte(row_hash, 0) << 8 | get_byte(row_hash, 1))';
const BUCKETS_FETCHED = 8_192;

/** Half of the digest finds out which buckets differ; whoever has made them equal verifies by all of it. */
const LANES = 2;
const WORDS = LANES * 2;

export interface TargetBuckets {
  counts: Float64Array;
  lanes: BigUint64Array;
}

export interface SourceBuckets {
  /** Of all rows of the table. */
  figures: SourceFigures;
  counts: Uint32Array;
  words: Float64Array;
  /** The bucket of each row, in the order in which the source hands its rows out. Two bytes a row. */
  ofRows: Uint16Array;
}

/** The buckets of a table without rows. */
export function noBuckets(): TargetBuckets {
  return { counts: new Float64Array(BUCKETS), lanes: new BigUint64Array(BUCKETS * LANES) };
}

/** The bucket of a row by its hash. */
export function bucketOf(rowHash: RowHash): number {
  return wordOf(rowHash, 0) >>> 16;
}

/**
 * Sums the buckets of a table of the target, inside the caller's transaction. They go through a temporary table, since
 * the server computes a cursor's query on one processor only, and are fetched in parts and kept as numbers, since all of
 * them as rows of text would take tens of megabytes.
 */
export async function targetBuckets(client: pg.Client, table: Table): Promise<TargetBuckets> {
  const { counts, lanes } = noBuckets();
  await client.query(
    `CREATE TEMP TABLE cutover_sums AS SELECT row_bits::bit(16)::int AS bucket, ${digestSumSql('row_bits', LANES)}
     FROM ${withColumn('row_bits', rowBitsSql(table.columns), table.name)} GROUP BY 1`,
  );
  await client.query('DECLARE cutover_buckets NO SCROLL CURSOR FOR SELECT * FROM cutover_sums');
  for (;;) {
    const { rows } = await client.query<{ bucket: number; rows: number; lane0: string; lane1: string }>(
      `FETCH ${BUCKETS_FETCHED} FROM cutover_buckets`,
    );
    for (const row of rows) {
      counts[row.bucket] = row.rows;
      lanes[row.bucket * LANES] = BigInt.asUintN(64, BigInt(row.lane0));
      lanes[row.bucket * LANES + 1] = BigInt.asUintN(64, BigInt(row.lane1));
    }
    if (rows.length < BUCKETS_FETCHED) break;
  }
  await client.query('CLOSE cutover_buckets');
  await client.query('DROP TABLE cutover_sums');
  return { counts, lanes };
}

/**
 * Sums the buckets of a table of the source.
 *
 * @throws Refused when it holds rows that the encoder does not take: those that PostgreSQL cannot hold as they are; what
 *   `inspect` throws
 */
export async function sourceBuckets(
  reader: RowReader,
  table: TableRows,
  { count, encoder, inspect }: Pass,
): Promise<SourceBuckets> {
  const sum = new DigestSum();
  // Sums of 32-bit words stay exact in a double up to 2^21 rows a bucket, which is 10^11 rows a table.
  const words = new Float64Array(BUCKETS * WORDS);
  const counts = new Uint32Array(BUCKETS);
  const ofRows = new Uint16Array(reader.countRows(table));
  for (const record of encodedRows(reader, table, encoder, inspect)) {
    const rowHash = hashRow(record);
    const bucket = bucketOf(rowHash);
    ofRows[sum.rows] = bucket;
    sum.add(rowHash, record.length);
    counts[bucket] = (counts[bucket] as number) + 1;
    for (let word = 0; word < WORDS; word++) {
      const index = bucket * WORDS + word;
      words[index] = (words[index] as number) + wordOf(rowHash, word);
    }
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pauseAfter(count);
  }
  count(sum.rows % ROWS_BETWEEN_PAUSES);
  return { figures: figuresOf(sum), words, counts, ofRows };
}

/** The buckets in which the two sides do not hold the same rows. */
export function dirtyBuckets(target: TargetBuckets, { words, counts }: SourceBuckets): Set<number> {
  const dirty = new Set<number>();
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    // Most buckets of a small table, of which a file may have hundreds.
    if (counts[bucket] === 0 && target.counts[bucket] === 0) continue;
    const laneDiffers = (lane: number): boolean =>
      BigInt.asUintN(64, laneOf(words, bucket * WORDS + lane * 2)) !== target.lanes[bucket * LANES + lane];
    if (counts[bucket] !== target.counts[bucket] || laneDiffers(0) || laneDiffers(1)) dirty.add(bucket);
  }
  return dirty;
}
