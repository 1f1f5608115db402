import { once } from 'node:events';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import { COPY_BINARY_HEADER, COPY_BINARY_TRAILER } from './row-encoding.ts';
import { quoteIdentifier } from './table-kinds.ts';

const BATCH_BYTES = 256 * 1024;

/**
 * Sends tuples by COPY in binary format; memory stays at a few batches whatever the number of rows.
 *
 * @param table its name as it stands in a statement
 * @param tuples complete tuples; each is copied before the next one is asked for
 * @returns the number of tuples that the server took
 */
export async function copyIn(
  client: pg.Client,
  table: string,
  columns: string[],
  tuples: Iterable<Buffer>,
): Promise<number> {
  const stream = client.query(
    from(`COPY ${table} (${columns.map(quoteIdentifier).join(', ')}) FROM STDIN (FORMAT binary)`),
  );
  // The server's refusal arrives while the next batch is being made; it must not go unheard until then.
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    stream.on('error', (error) => {
      failure ??= error;
      resolve();
    });
    stream.once('finish', resolve);
  });

  let batch = Buffer.allocUnsafe(BATCH_BYTES);
  let filled = COPY_BINARY_HEADER.copy(batch);
  let count = 0;
  const send = async (chunk: Buffer): Promise<void> => {
    if (failure) throw failure;
    if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), ended]);
    if (failure) throw failure;
  };
  try {
    for (const tuple of tuples) {
      count++;
      if (filled + tuple.length > batch.length) {
        await send(batch.subarray(0, filled));
        batch = Buffer.allocUnsafe(Math.max(BATCH_BYTES, tuple.length));
        filled = 0;
      }
      filled += tuple.copy(batch, filled);
    }
    await send(Buffer.concat([batch.subarray(0, filled), COPY_BINARY_TRAILER]));
  } catch (error) {
    // Destroying tells the server to give the COPY up. After an error of the server's own there is nothing left to tell.
    if (!failure) stream.destroy(error as Error);
    await ended;
    throw error;
  }
  stream.end();
  await ended;
  if (failure) throw failure;
  if (stream.rowCount !== count) throw new Error(`COPY into ${table} took ${stream.rowCount} rows of ${count}.`);
  return count;
}
