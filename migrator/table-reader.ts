import { setImmediate as pause } from 'node:timers/promises';
import { type SendBatch, sendTuples } from './copy-batches.ts';
import { DigestSum, hashRow } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import { assertOwnId } from './own-id.ts';
import { type SourceBuckets, sourceBuckets } from './row-buckets.ts';
import { RowEncoder } from './row-encoding.ts';
import type { RowReader, TableRows } from './row-reader.ts';
import { encodedRows, figuresOf, type Pass, sourceDigest } from './source-rows.ts';

/** What a pass over a whole table can be for, and what it gives. */
export interface PassResults {
  /** The table's rows and digest. */
  digest: SourceFigures;
  buckets: SourceBuckets;
  /** The same as `digest`, while all rows are sent in the form that COPY takes. */
  copy: SourceFigures;
}

export type PassName = keyof PassResults;

/** What a pass is to do; it can be sent to another thread. */
export interface PassOrder<Name extends PassName = PassName> {
  pass: Name;
  table: TableRows;
  /** Refuse events with an id that is not their hash. */
  ownIds: boolean;
}

export interface PassFollower {
  /** Is told of further rows that are done; what it throws ends the pass. */
  count(rows: number): void;
  /** Takes the rows of the pass `copy`; what it throws ends the pass. */
  send: SendBatch;
}

/**
 * Reads a table from end to end, in this thread or in another.
 *
 * @throws Refused when the table holds rows that cannot go over
 */
export type TableReader = <Name extends PassName>(
  order: PassOrder<Name>,
  follower: PassFollower,
) => Promise<PassResults[Name]>;

type PassWork<Name extends PassName> = (
  reader: RowReader,
  table: TableRows,
  pass: Pass & Pick<PassFollower, 'send'>,
) => Promise<PassResults[Name]>;

const PASSES: { [Name in PassName]: PassWork<Name> } = { digest: sourceDigest, buckets: sourceBuckets, copy: sendRows };

/** @returns a reader that works in this thread */
export function createTableReader(reader: RowReader): TableReader {
  return ({ pass, table, ownIds }, { count, send }) =>
    PASSES[pass](reader, table, { count, send, inspect: ownIds ? (values) => assertOwnId(table, values) : undefined });
}

async function sendRows(
  reader: RowReader,
  table: TableRows,
  { count, send, inspect }: Pass & Pick<PassFollower, 'send'>,
): Promise<SourceFigures> {
  const sum = new DigestSum();
  let counted = 0;
  const countNew = (): void => {
    count(sum.rows - counted);
    counted = sum.rows;
  };
  await sendTuples(summedTuples(reader, table, sum, inspect), async (batch) => {
    const memory = await send(batch);
    countNew();
    // What is sent may be taken at once, again and again, and meanwhile nobody else in this thread would come to anything.
    await pause();
    return memory;
  });
  return figuresOf(sum);
}

function* summedTuples(
  reader: RowReader,
  table: TableRows,
  sum: DigestSum,
  inspect: Pass['inspect'],
): Generator<Buffer> {
  const encoder = new RowEncoder(table.columns);
  for (const record of encodedRows(reader, table, encoder, inspect)) {
    sum.add(hashRow(record), record.length);
    yield encoder.tuple(record);
  }
}
