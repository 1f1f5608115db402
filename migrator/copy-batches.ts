import { COPY_BINARY_HEADER, COPY_BINARY_TRAILER } from './row-encoding.ts';

/** Takes a piece of what COPY reads in binary format, for good; the next one may follow when the promise is fulfilled. */
export type SendBatch = (batch: Buffer) => Promise<void>;

const BATCH_BYTES = 256 * 1024;

/**
 * Puts tuples together to batches, the format's header before the first of them and its trailer behind the last.
 *
 * @param tuples complete tuples; each is copied before the next one is asked for
 * @returns the number of tuples
 */
export async function sendTuples(tuples: Iterable<Buffer>, send: SendBatch): Promise<number> {
  // Each has memory of its own, so that it can be handed to another thread.
  let batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  let filled = COPY_BINARY_HEADER.copy(batch);
  let count = 0;
  for (const tuple of tuples) {
    count++;
    if (filled + tuple.length + COPY_BINARY_TRAILER.length > batch.length) {
      await send(batch.subarray(0, filled));
      batch = Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, tuple.length + COPY_BINARY_TRAILER.length));
      filled = 0;
    }
    filled += tuple.copy(batch, filled);
  }
  filled += COPY_BINARY_TRAILER.copy(batch, filled);
  await send(batch.subarray(0, filled));
  return count;
}
