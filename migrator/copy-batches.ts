import { COPY_BINARY_HEADER, COPY_BINARY_TRAILER } from './row-encoding.ts';

/**
 * Takes a piece of what COPY reads in binary format; the next one may follow when the promise is fulfilled.
 *
 * @param batch all of the memory below it goes with it
 * @returns memory that the next one may be written to, which may be that of an earlier one that nobody reads any more; nothing
 *   when there is none to be had
 */
export type SendBatch = (batch: Buffer) => Promise<ArrayBuffer | undefined>;

const BATCH_BYTES = 256 * 1024;

/**
 * Puts tuples together to batches, the format's header before the first of them and its trailer behind the last.
 *
 * @param tuples complete tuples; each is copied before the next one is asked for
 * @returns the number of tuples
 */
export async function sendTuples(tuples: Iterable<Buffer>, send: SendBatch): Promise<number> {
  let batch = emptyBatch(BATCH_BYTES);
  let filled = COPY_BINARY_HEADER.copy(batch);
  let count = 0;
  for (const tuple of tuples) {
    count++;
    if (filled + tuple.length + COPY_BINARY_TRAILER.length > batch.length) {
      const memory = await send(batch.subarray(0, filled));
      batch = emptyBatch(tuple.length + COPY_BINARY_TRAILER.length, memory);
      filled = 0;
    }
    filled += tuple.copy(batch, filled);
  }
  filled += COPY_BINARY_TRAILER.copy(batch, filled);
  await send(batch.subarray(0, filled));
  return count;
}

/**
 * New memory for each batch would be no less than the table: V8 counts what is handed from thread to thread, and lets a hundred
 * megabytes of it come together before it takes them back.
 */
function emptyBatch(bytes: number, memory?: ArrayBuffer): Buffer {
  // That of a row which is larger than a batch is not kept.
  if (memory?.byteLength === BATCH_BYTES && bytes <= BATCH_BYTES) return Buffer.from(memory);
  // Not a part of Node's pool, so that it can be handed to another thread.
  return Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, bytes));
}
