import type pg from 'pg';
import { DigestSum, hashRow, type RowHash, rowBitsSql, withColumn, wordOf } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import type { RowReader, TableRows } from './row-reader.ts';
import { encodedRows, figuresOf, type Pass, pauseAfter, ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import type { Table } from './table-kinds.ts';
import { together } from './together.ts';

/**
 * Rows fall into buckets by the first bits of their hash. Each side sums each bucket in one sequential pass; only rows of
 * buckets that differ are looked at one by one. No key is needed, and duplicates count.
 *
 * A table has as many buckets as rows, so that a row that changed takes one other along; beyond a million rows it would be
 * memory that grows: a bucket takes twelve bytes here and about a hundred in the server.
 */
const BITS_MIN = 8;
const BITS_MAX = 20;
/** Buckets travel in packets of so many, each as four numbers of four bytes: as rows of text they would take longer than their sums. */
const PACKET_BITS = 13;
const PACKED_BYTES = 16;

/**
 * Summed are two words of the hash that do not say which bucket it is. They find out which buckets differ; whoever has made
 * them equal verifies by all of the hash.
 */
const SUMMED_WORDS = [1, 2] as const;
const SUMS = SUMMED_WORDS.length;

export interface SourceBuckets {
  /** Of all rows of the table. */
  figures: SourceFigures;
  /** How many bits of a row's hash say its bucket. */
  bits: number;
  /** Rows by bucket. */
  counts: Uint32Array;
  /** The sums of each bucket one beside the other, modulo 2^32. */
  sums: Int32Array;
  /** The bucket of each row, in the order in which the source hands its rows out. Four bytes a row. */
  ofRows: Uint32Array;
}

/** The buckets in which the two sides do not hold the same rows. */
export interface DirtyBuckets {
  bits: number;
  /** How many they are. */
  size: number;
  /** Rows that the target has in them. */
  targetRows: number;
  /** A bit for each bucket, as `get_bit` counts them. */
  bitmap: Buffer;
}

/** @param rows of the table in the source */
export function bucketBits(rows: number): number {
  return Math.min(Math.max(Math.ceil(Math.log2(Math.max(rows, 1))), BITS_MIN), BITS_MAX);
}

/** SQL that is true where `row_hash`, as bytea, is that of a row in one of these buckets. */
export function inBucketsSql({ bits, bitmap }: DirtyBuckets): string {
  const bucket = `('x' || encode(substring(row_hash, 1, 4), 'hex'))::bit(${bits})::int`;
  return `get_bit('\\x${bitmap.toString('hex')}'::bytea, ${bucket}) = 1`;
}

export function isDirty({ bitmap }: DirtyBuckets, bucket: number): boolean {
  return (((bitmap[bucket >>> 3] as number) >>> (bucket & 7)) & 1) === 1;
}

/**
 * Sums both sides and compares them, inside the caller's transaction.
 *
 * @param client undefined for a table that the target does not have
 * @param buckets the work that sums those of the source: the server sums its own meanwhile
 */
export async function compareBuckets(
  client: pg.Client | undefined,
  source: RowReader,
  table: Table,
  buckets: Promise<SourceBuckets>,
): Promise<{ ours: SourceBuckets; dirty: DirtyBuckets }> {
  const bits = bucketBits(source.countRows(table));
  const [, ours] = await together(client && sumTargetBuckets(client, table, bits), buckets);
  return { ours, dirty: await dirtyBuckets(client, ours) };
}

/**
 * Sums the buckets of a table of the target into a temporary table: the server computes a cursor's query on one processor
 * only. `dirtyBuckets` takes them from there.
 */
async function sumTargetBuckets(client: pg.Client, table: Table, bits: number): Promise<void> {
  // Modulo 2^32, as a number with a sign.
  const sums = SUMMED_WORDS.map(
    (word, index) => `sum(substring(row_bits, ${word * 32 + 1}, 32)::int)::bit(32)::int AS sum${index}`,
  );
  await client.query(
    `CREATE TEMP TABLE cutover_sums AS SELECT row_bits::bit(${bits})::int AS bucket, count(*)::int AS rows, ${sums.join(', ')}
     FROM ${withColumn('row_bits', rowBitsSql(table.columns), table.name)} GROUP BY 1`,
  );
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
  const rows = reader.countRows(table);
  const bits = bucketBits(rows);
  const sum = new DigestSum();
  const counts = new Uint32Array(2 ** bits);
  const sums = new Int32Array(counts.length * SUMS);
  const ofRows = new Uint32Array(rows);
  for (const record of encodedRows(reader, table, encoder, inspect)) {
    const rowHash = hashRow(record);
    const bucket = bucketOf(rowHash, bits);
    ofRows[sum.rows] = bucket;
    sum.add(rowHash, record.length);
    counts[bucket] = (counts[bucket] as number) + 1;
    const place = bucket * SUMS;
    sums[place] = (sums[place] as number) + wordOf(rowHash, SUMMED_WORDS[0]);
    sums[place + 1] = (sums[place + 1] as number) + wordOf(rowHash, SUMMED_WORDS[1]);
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pauseAfter(count);
  }
  count(sum.rows % ROWS_BETWEEN_PAUSES);
  return { figures: figuresOf(sum), bits, counts, sums, ofRows };
}

/** Compares the sums that `sumTargetBuckets` has made, and drops them there. */
async function dirtyBuckets(client: pg.Client | undefined, ours: SourceBuckets): Promise<DirtyBuckets> {
  const dirty = { bits: ours.bits, size: 0, targetRows: 0, bitmap: Buffer.alloc(2 ** ours.bits / 8) };
  const mark = (bucket: number): void => {
    dirty.size++;
    dirty.bitmap[bucket >>> 3] = (dirty.bitmap[bucket >>> 3] as number) | (1 << (bucket & 7));
  };
  const unseen = ours.counts.slice();
  const compare = (packet: Buffer, at: number): void => {
    const bucket = packet.readInt32BE(at);
    const rows = packet.readInt32BE(at + 4);
    unseen[bucket] = 0;
    const isEqual =
      ours.counts[bucket] === rows &&
      ours.sums[bucket * SUMS] === packet.readInt32BE(at + 8) &&
      ours.sums[bucket * SUMS + 1] === packet.readInt32BE(at + 12);
    if (isEqual) return;
    mark(bucket);
    dirty.targetRows += rows;
  };
  if (client) {
    for await (const packet of targetPackets(client))
      for (let at = 0; at < packet.length; at += PACKED_BYTES) compare(packet, at);
  }
  for (const [bucket, rows] of unseen.entries()) if (rows > 0) mark(bucket);
  return dirty;
}

/** One after the other, since all of them would take tens of megabytes. */
async function* targetPackets(client: pg.Client): AsyncGenerator<Buffer> {
  const packed = ['bucket', 'rows', 'sum0', 'sum1'].map((column) => `int4send(${column})`).join(' || ');
  await client.query(
    `DECLARE cutover_buckets NO SCROLL CURSOR FOR
     SELECT string_agg(${packed}, ''::bytea) AS packet FROM cutover_sums GROUP BY bucket >> ${PACKET_BITS}`,
  );
  for (;;) {
    const { rows } = await client.query<{ packet: Buffer }>('FETCH 1 FROM cutover_buckets');
    const [row] = rows;
    if (row === undefined) break;
    yield row.packet;
  }
  await client.query('CLOSE cutover_buckets');
  await client.query('DROP TABLE cutover_sums');
}

function bucketOf(rowHash: RowHash, bits: number): number {
  return wordOf(rowHash, 0) >>> (32 - bits);
}
