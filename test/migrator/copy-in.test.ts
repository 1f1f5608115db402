import { createHash } from 'node:crypto';
import type pg from 'pg';
import { expect, it } from 'vitest';
import { type SendBatch, sendTuples } from '../../migrator/copy-batches.ts';
import { copyBatchesIn } from '../../migrator/copy-in.ts';
import { COPY_BINARY_HEADER, COPY_BINARY_TRAILER } from '../../migrator/row-encoding.ts';
import { freshDatabase } from '../support/postgres.ts';
import { withClient } from '../support/table-bytes.ts';

/** Some go to the network at once, some wait behind a large one, and some are larger than a batch. */
const SIZES = Array.from({ length: 120 }, (_, index) => [200_000, 40, 9_000, 300_000, 1][index % 5] as number);
const VALUES = SIZES.map((size, index) => Buffer.alloc(size, `${index};`));

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

function tuple(value: Buffer): Buffer {
  const header = Buffer.alloc(6);
  header.writeInt16BE(1, 0);
  header.writeInt32BE(value.length, 2);
  return Buffer.concat([header, value]);
}

/** Copies into a table whose server takes its time with every row, so that much waits for the network; gives what stands there. */
async function copied(copy: (client: pg.Client) => Promise<unknown>): Promise<string[]> {
  const { url } = await freshDatabase();
  return withClient(url, async (client) => {
    await client.query(`CREATE TABLE slow (number serial, value bytea);
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END';
      CREATE TRIGGER wait BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION wait()`);
    await copy(client);
    const { rows } = await client.query('SELECT md5(value) FROM slow ORDER BY number');
    return rows.map((row) => row.md5);
  });
}

/** A batch has memory of its own. */
function batchOf(bytes: Buffer): Buffer {
  const batch = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(batch);
  return batch;
}

it('sends no piece from memory that it has given away', async () => {
  let given = 0;
  const found = await copied((client) =>
    copyBatchesIn(client, 'slow', ['value'], async (send) => {
      for (const piece of [COPY_BINARY_HEADER, ...VALUES.map(tuple), COPY_BINARY_TRAILER]) {
        const memory = await send(batchOf(piece));
        if (memory === undefined) continue;
        given++;
        new Uint8Array(memory).fill(0xee);
      }
      return { rows: VALUES.length };
    }),
  );
  expect(found).toEqual(VALUES.map(md5));
  expect(given).toBeGreaterThan(VALUES.length / 4);
});

it('writes many batches to the memory of one, but for rows that are larger', async () => {
  const memories = new Set<ArrayBufferLike>();
  const found = await copied((client) =>
    copyBatchesIn(client, 'slow', ['value'], async (send) => {
      const watched: SendBatch = (batch) => {
        memories.add(batch.buffer);
        return send(batch);
      };
      return { rows: await sendTuples(VALUES.map(tuple), watched) };
    }),
  );
  expect(found).toEqual(VALUES.map(md5));
  const large = VALUES.filter(({ length }) => length > 256 * 1024).length;
  expect(memories.size).toBeLessThanOrEqual(2 * large + 1);
});
