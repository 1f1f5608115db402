import { hash } from 'node:crypto';
import { type Column, quoteIdentifier } from './table-kinds.ts';

/**
 * A digest over the rows of a table that does not depend on their order and does depend on how often each occurs:
 * the SHA-256 of every row, read as four 64-bit numbers, summed modulo 2^64. XOR would not do: two equal rows, legal in
 * event_tags, would cancel each other out.
 *
 * The SHA-256 runs over the row as PostgreSQL's `record_send` writes it: the number of columns (int32, big-endian), then for
 * each the OID of its type, its length (-1 for NULL) and its bytes. No other function of the server makes bytes of a whole row.
 */
export interface TableDigest {
  rows: number;
  /** 64 hexadecimal digits. */
  digest: string;
}

const WORDS = 8;
const LANES = 4;
const ROWS_BETWEEN_CARRIES = 2 ** 20;

/** The 32 bytes of a row's SHA-256, a character each (latin1): Node makes such a string in a fraction of the time that a Buffer takes. */
export type RowHash = string;

export function hashRow(record: Buffer): RowHash {
  return hash('sha256', record, 'binary');
}

/** One of the eight 32-bit words of a row's hash. */
export function wordOf(rowHash: RowHash, word: number): number {
  const first = word * 4;
  return (
    ((rowHash.charCodeAt(first) << 24) |
      (rowHash.charCodeAt(first + 1) << 16) |
      (rowHash.charCodeAt(first + 2) << 8) |
      rowHash.charCodeAt(first + 3)) >>>
    0
  );
}

export function bytesOf(rowHash: RowHash): Buffer {
  return Buffer.from(rowHash, 'latin1');
}

/** Sums row hashes on the source's side. 32-bit words in doubles: exact up to 2^21 rows between carries, and many times faster than BigInt. */
export class DigestSum {
  rows = 0;
  /** Of the records that were hashed, as far as whoever added them has said it. */
  bytes = 0;
  private readonly words = new Float64Array(WORDS);
  private total = [0n, 0n, 0n, 0n];

  /** @param bytes length of the record that the hash is of */
  add(rowHash: RowHash, bytes = 0): void {
    this.bytes += bytes;
    for (let word = 0; word < WORDS; word++) this.words[word] = (this.words[word] as number) + wordOf(rowHash, word);
    if (++this.rows % ROWS_BETWEEN_CARRIES === 0) this.carry();
  }

  result(): TableDigest {
    this.carry();
    return { rows: this.rows, digest: lanesToHex(this.total) };
  }

  private carry(): void {
    this.total = this.total.map((lane, index) => lane + laneOf(this.words, index * 2));
    this.words.fill(0);
  }
}

/** The 64-bit lane whose high and low words stand at `offset` and `offset + 1`. */
function laneOf(words: Float64Array, offset: number): bigint {
  return (BigInt(words[offset] as number) << 32n) + BigInt(words[offset + 1] as number);
}

/** Lane sums of any size and sign, as PostgreSQL's sum(bigint) gives them too, to the digest's 64 hexadecimal digits. */
export function lanesToHex(lanes: bigint[]): string {
  return lanes.map((lane) => BigInt.asUintN(64, lane).toString(16).padStart(16, '0')).join('');
}

/** The digest of the rows that remain of `all` without `some` of them. */
export function withoutRows(all: TableDigest, some: TableDigest): TableDigest {
  return combine(all, some, -1);
}

/** The digest of the rows of both. */
export function addRows(one: TableDigest, other: TableDigest): TableDigest {
  return combine(one, other, 1);
}

function combine(one: TableDigest, other: TableDigest, sign: 1 | -1): TableDigest {
  const lanes = (digest: string): bigint[] => (digest.match(/.{16}/g) ?? []).map((lane) => BigInt(`0x${lane}`));
  const others = lanes(other.digest);
  return {
    rows: one.rows + sign * other.rows,
    digest: lanesToHex(lanes(one.digest).map((lane, index) => lane + BigInt(sign) * (others[index] as bigint))),
  };
}

/** SQL that computes the hash of a row on the target's side, as bytea. */
export function rowHashSql(columns: Column[]): string {
  return `sha256(record_send(ROW(${columns.map(({ name }) => quoteIdentifier(name)).join(', ')})))`;
}

/** The same as bit(256): a number is cut out of bits in half the time that it takes to cut it out of bytes. */
export function rowBitsSql(columns: Column[]): string {
  return `('x' || encode(${rowHashSql(columns)}, 'hex'))::bit(256)`;
}

/**
 * A table of the target with one more column, for FROM. The planner would compute its value once for each place that uses
 * it; it leaves a subquery alone that calls a volatile function. OFFSET 0 keeps it from that too, but then the server
 * works on one processor only.
 */
export function withColumn(column: string, value: string, table: string, others = ''): string {
  return `(SELECT ${others}CASE WHEN clock_timestamp() IS NOT NULL THEN ${value} END AS ${column} FROM ${quoteIdentifier(table)}) AS hashed`;
}

/** SQL that sums a column of row hashes, as bit(256), into `rows`, `lane0` ... `lane3`. */
export function digestSumSql(bitsColumn: string): string {
  const sums = Array.from(
    { length: LANES },
    (_, lane) => `coalesce(sum(substring(${bitsColumn}, ${lane * 64 + 1}, 64)::bigint), 0)::text AS lane${lane}`,
  );
  return `count(*)::float8 AS rows, ${sums.join(', ')}`;
}

export interface DigestSumRow {
  rows: number;
  lane0: string;
  lane1: string;
  lane2: string;
  lane3: string;
}

function lanesOf(row: DigestSumRow): bigint[] {
  return [row.lane0, row.lane1, row.lane2, row.lane3].map(BigInt);
}

/** SQL for the digest of a whole table; `parseDigest` reads its one row. */
export function tableDigestSql(table: { name: string; columns: Column[] }): string {
  return `SELECT ${digestSumSql('row_bits')}
FROM ${withColumn('row_bits', rowBitsSql(table.columns), table.name)}`;
}

export function parseDigest(row: DigestSumRow): TableDigest {
  return { rows: row.rows, digest: lanesToHex(lanesOf(row)) };
}
