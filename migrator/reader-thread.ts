// Reads tables of a SQLite file in a thread of its own: see threaded-reader.ts, which starts it and says what it is to read.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import type { SendBatch } from './copy-batches.ts';
import { createRowReader } from './row-reader.ts';
import { CACHE_PRAGMA } from './source-soundness.ts';
import { createTableReader, type PassOrder } from './table-reader.ts';
import type { FromThread, ToThread } from './threaded-reader.ts';

/** So many batches are on their way at a time: the next one is made while the server takes the last. */
const BATCHES_UNTAKEN_MAX = 2;

const port = parentPort as NonNullable<typeof parentPort>;
const post = (message: FromThread, transfer?: ArrayBuffer[]): void => port.postMessage(message, transfer);

const database = new Database(workerData.path as string, { fileMustExist: true });
database.pragma(CACHE_PRAGMA);
database.pragma('query_only = ON');
const read = createTableReader(createRowReader(database, new Map()));

let untaken = 0;
/** Memory of batches that have been taken. */
const free: ArrayBuffer[] = [];
let onTaken = (): void => {};

/** Waits until there are fewer batches than `count` that nobody has taken yet. */
async function fewerThan(count: number): Promise<void> {
  while (untaken >= count)
    await new Promise<void>((resolve) => {
      onTaken = resolve;
    });
}

const send: SendBatch = async (batch) => {
  post({ kind: 'batch', batch }, [batch.buffer as ArrayBuffer]);
  untaken++;
  await fewerThan(BATCHES_UNTAKEN_MAX);
  return free.pop();
};

async function work(order: PassOrder): Promise<void> {
  try {
    const result = await read(order, { count: (rows) => post({ kind: 'counted', rows }), send });
    // Rows that could not be taken are not done.
    await fewerThan(1);
    const arrays = Object.values(result).filter((value) => ArrayBuffer.isView(value));
    post(
      { kind: 'done', result },
      arrays.map(({ buffer }) => buffer as ArrayBuffer),
    );
  } catch (error) {
    const { message, stack } = error as Error;
    post({ kind: 'failed', message, refused: error instanceof Refused, ...(stack !== undefined && { stack }) });
  }
}

port.on('message', (message: ToThread) => {
  if (message.kind === 'order') return void work(message.order);
  untaken--;
  if (message.memory) free.push(message.memory);
  onTaken();
});
