import { once } from 'node:events';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import { type SendBatch, sendTuples } from './copy-batches.ts';
import { quoteIdentifier } from './table-kinds.ts';

/**
 * Sends tuples by COPY in binary format; memory stays at a few batches whatever the number of rows.
 *
 * @param table its name as it stands in a statement
 * @param tuples complete tuples; each is copied before the next one is asked for
 */
export async function copyIn(
  client: pg.Client,
  table: string,
  columns: string[],
  tuples: Iterable<Buffer>,
): Promise<void> {
  await copyBatchesIn(client, table, columns, async (send) => ({ rows: await sendTuples(tuples, send) }));
}

/**
 * The same for whoever makes the batches elsewhere.
 *
 * @param make sends all of them, one after another, and gives the number of tuples in them as `rows`
 * @returns what `make` gives
 * @throws Error when the server took another number; what `make` throws, after which the server has taken none
 */
export async function copyBatchesIn<Made extends { rows: number }>(
  client: pg.Client,
  table: string,
  columns: string[],
  make: (send: SendBatch) => Promise<Made>,
): Promise<Made> {
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
  let made: Made;
  try {
    made = await make(async (batch) => {
      if (failure) throw failure;
      if (!stream.write(batch)) await Promise.race([once(stream, 'drain'), ended]);
      if (failure) throw failure;
      // A small piece may still wait for the network, and the next one would be written over it.
      const waiting = stream.writableLength + client.connection.stream.writableLength;
      return waiting === 0 ? (batch.buffer as ArrayBuffer) : undefined;
    });
  } catch (error) {
    // Destroying tells the server to give the COPY up. After an error of the server's own there is nothing left to tell.
    if (!failure) stream.destroy(error as Error);
    await ended;
    throw error;
  }
  stream.end();
  await ended;
  if (failure) throw failure;
  if (stream.rowCount !== made.rows)
    throw new Error(`COPY into ${table} took ${stream.rowCount} rows of ${made.rows}.`);
  return made;
}
