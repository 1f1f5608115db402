import { setImmediate as pause } from 'node:timers/promises';
import type pg from 'pg';
import { DigestSum, type DigestSumRow, digestSumSql, hashRow, laneOf, lanesOf, rowHashSql } from './digest.ts';
import type { Progress } from './progress.ts';
import type { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { encodedRows, ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

/**
 * Rows fall into buckets by the first 16 bits of their hash. Each side sums each bucket in one sequential pass; only rows
 * of buckets that differ are looked at one by one. No key is needed, duplicates count, and memory does not grow with rows.
 */
const BUCKETS = 2 ** 16;
export const BUCKET_SQL = '(get_byte(row_hash, 0) << 8 | get_byte(row_hash, 1))';
const BUCKETS_FETCHED = 1_024;
const WORDS = 8;
const LANES = 4;

export interface TargetBuckets {
  counts: Float64Array;
  lanes: BigUint64Array;
}

export interface SourceBuckets {
  /** Over all rows of the table. */
  sum: DigestSum;
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
export function bucketOf(rowHash: Buffer): number {
  return rowHash.readUInt16BE(0);
}

/** Sums the buckets of a table of the target, inside the caller's transaction. Fetched in parts and kept as numbers: all buckets as rows of text would take tens of megabytes. */
export async function targetBuckets(client: pg.Client, table: Table): Promise<TargetBuckets> {
  const { counts, lanes } = noBuckets();
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

/**
 * Sums the buckets of a table of the source.
 *
 * @throws Refused when it holds rows that the encoder does not take: those that PostgreSQL cannot hold as they are
 */
export async function sourceBuckets(
  source: Source,
  table: Table,
  progress: Progress,
  encoder?: RowEncoder,
): Promise<SourceBuckets> {
  const sum = new DigestSum();
  // Sums of 32-bit words stay exact in a double up to 2^21 rows a bucket, which is 10^11 rows a table.
  const words = new Float64Array(BUCKETS * WORDS);
  const counts = new Uint32Array(BUCKETS);
  const total = source.countRows(table);
  const ofRows = new Uint16Array(total);
  const counter = progress.rows('compared', table.name, total);
  for (const fields of encodedRows(source, table, encoder)) {
    const rowHash = hashRow(fields);
    const bucket = bucketOf(rowHash);
    ofRows[sum.rows] = bucket;
    sum.add(rowHash);
    counts[bucket] = (counts[bucket] as number) + 1;
    for (let word = 0; word < WORDS; word++) {
      const index = bucket * WORDS + word;
      words[index] = (words[index] as number) + rowHash.readUInt32BE(word * 4);
    }
    counter.add(1);
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pause();
  }
  counter.end();
  return { sum, words, counts, ofRows };
}

/** The buckets in which the two sides do not hold the same rows. */
export function dirtyBuckets(target: TargetBuckets, { words, counts }: SourceBuckets): Set<number> {
  const dirty = new Set<number>();
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const laneDiffers = (lane: number): boolean =>
      BigInt.asUintN(64, laneOf(words, bucket * WORDS + lane * 2)) !== target.lanes[bucket * LANES + lane];
    if (counts[bucket] !== target.counts[bucket] || [0, 1, 2, 3].some(laneDiffers)) dirty.add(bucket);
  }
  return dirty;
}
