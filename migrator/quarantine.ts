import { setImmediate as pause } from 'node:timers/promises';
import { addRows, DigestSum, hashRow, type RowHash, type TableDigest } from './digest.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

/** Takes rows of one table out of what goes over; done twice, it adds the second reason. */
export type KeepBack = (rowid: bigint, reason: string) => void;

/** One row that is kept back, whole. */
export interface KeptRow {
  rowid: bigint;
  reason: string;
  /** The hash that the row has in a digest over all rows; what PostgreSQL cannot hold is in it as bytes that no row of PostgreSQL has. */
  rowHash: RowHash;
  /** By column: the class in which SQLite stores the value, and its bytes. */
  values: Record<string, KeptValue>;
}

export interface KeptValue {
  /** `text`, `integer`, `real`, `blob` or `null`. Source: SQLite, "Datatypes", section 2. */
  type: string;
  /**
   * The bytes, two digits each: of text and blobs as they are stored, of an integer 8 of its two's complement, of a real 8
   * of IEEE 754, the highest first; absent for NULL.
   */
  hex?: string;
}

/**
 * Begins to keep rows of a table back. They are told by their rowid in a TEMP table of the copy, so that memory does not
 * grow with them, and from the next statement on the source hands none of them out.
 */
export function beginKeepingBack(source: Source, table: Table): KeepBack {
  const work = `temp.cutover_kept_back_${source.tables.indexOf(table)}`;
  source.database.pragma('temp_store = FILE');
  source.database.exec(`CREATE TABLE IF NOT EXISTS ${work} (rid INTEGER PRIMARY KEY, reason TEXT NOT NULL)`);
  const insert = source.database.prepare(
    `INSERT INTO ${work} VALUES (?, ?) ON CONFLICT (rid) DO UPDATE SET reason = reason || '; ' || excluded.reason`,
  );
  return (rowid, reason) => {
    insert.run(rowid, reason);
    source.keptBack.set(table.name, work);
  };
}

/** Reads the rows of a table that are kept back, in the order in which they are stored. */
export function* keptRows(source: Source, table: Table): Generator<KeptRow> {
  const work = source.keptBack.get(table.name);
  if (work === undefined) return;
  const lenient = new RowEncoder(table.columns, { lenient: true });
  const names = table.columns.map(({ name }) => quoteIdentifier(name));
  // Text as bytes: it may be no UTF-8.
  const values = names.map((name) => `typeof(${name}), iif(typeof(${name}) = 'text', CAST(${name} AS BLOB), ${name})`);
  const statement = source.database.prepare(
    `SELECT rid, reason, ${values.join(', ')} FROM ${work} JOIN ${quoteIdentifier(table.name)} AS kept ON kept.rowid = rid ORDER BY rid`,
  );
  const rowOf = source.row(table);
  for (const [rid, reason, ...typed] of statement.safeIntegers().raw().iterate() as IterableIterator<unknown[]>) {
    const rowid = rid as bigint;
    yield {
      rowid,
      reason: reason as string,
      rowHash: hashRow(lenient.encode(rowOf(rowid), 1) as Buffer),
      values: Object.fromEntries(
        table.columns.map(({ name }, place) => [name, keptValue(typed[2 * place] as string, typed[2 * place + 1])]),
      ),
    };
  }
}

function keptValue(type: string, value: unknown): KeptValue {
  if (value === null) return { type };
  if (Buffer.isBuffer(value)) return { type, hex: value.toString('hex') };
  const bytes = Buffer.alloc(8);
  if (typeof value === 'bigint') bytes.writeBigInt64BE(value);
  else bytes.writeDoubleBE(value as number);
  return { type, hex: bytes.toString('hex') };
}

/** Rows and digest of what is kept back of a table. */
export async function keptDigest(source: Source, table: Table): Promise<TableDigest> {
  const sum = new DigestSum();
  for (const { rowHash } of keptRows(source, table)) {
    sum.add(rowHash);
    if (sum.rows % ROWS_BETWEEN_PAUSES === 0) await pause();
  }
  return sum.result();
}

/**
 * Makes sure that no row of a table got lost between those that went over and those that are kept back: reads all of them
 * once more, without asking which is which.
 *
 * @throws Error when the sums do not add up
 */
export async function assertAccounted(
  source: Source,
  table: Table,
  sent: TableDigest,
  kept: TableDigest,
): Promise<void> {
  if (kept.rows === 0) return;
  const all = new DigestSum();
  const lenient = new RowEncoder(table.columns, { lenient: true });
  const rowOf = source.row(table);
  const rowids = source.database
    .prepare(`SELECT rowid FROM ${quoteIdentifier(table.name)}`)
    .pluck()
    .safeIntegers();
  for (const rowid of rowids.iterate() as IterableIterator<bigint>) {
    all.add(hashRow(lenient.encode(rowOf(rowid), 1) as Buffer));
    if (all.rows % ROWS_BETWEEN_PAUSES === 0) await pause();
  }
  const { rows, digest } = all.result();
  const expected = addRows(sent, kept);
  if (rows === expected.rows && digest === expected.digest) return;
  throw new Error(
    `The rows of "${table.name}" do not add up: the source has ${rows} (digest ${digest}); expected the ${sent.rows} that went over and the ${kept.rows} in quarantine (digest ${expected.digest}). Nothing was committed; repeat, and keep the SQLite file.`,
  );
}
