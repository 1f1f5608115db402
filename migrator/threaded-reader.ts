import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Refused } from '../statemachine/errors.ts';
import type { PassOrder, PassResults, TableReader } from './table-reader.ts';

export type ToThread =
  | { kind: 'order'; order: PassOrder }
  /** Its memory comes back, unless somebody still reads it. */
  | { kind: 'taken'; memory: ArrayBuffer | undefined };

export type FromThread =
  | { kind: 'counted'; rows: number }
  | { kind: 'batch'; batch: Uint8Array }
  | { kind: 'done'; result: PassResults[keyof PassResults] }
  | { kind: 'failed'; message: string; refused: boolean; stack?: string };

/** Rows that are read die young. What V8 would take for them by itself counts twice here, where two threads read. */
const YOUNG_MEBIBYTES_MAX = 8;

/** Beside this module in the bundle as well, which is JavaScript. */
const MODULE = new URL(`./reader-thread${extname(import.meta.url)}`, import.meta.url);

/** A reader with a thread of its own; it does one pass at a time. */
export interface ThreadedReader {
  read: TableReader;
  /** Ends the thread, in the middle of a pass too. */
  end(): Promise<void>;
}

/** @param path of a SQLite file that nobody writes to */
export function startThreadedReader(path: string): ThreadedReader {
  const worker = startWorker(path);
  const post = (message: ToThread, transfer?: ArrayBuffer[]): void => worker.postMessage(message, transfer);
  let lost: Error | undefined;
  let onLost = (_: Error): void => {};
  const lose = (error: Error): void => {
    lost ??= error;
    onLost(lost);
  };
  worker.on('error', lose);
  worker.on('messageerror', lose);
  worker.on('exit', (code) => lose(new Error(`The thread that reads the SQLite file ended with code ${code}.`)));
  return {
    async read(order, { count, send }) {
      if (lost) throw lost;
      return await new Promise((resolve, reject) => {
        const stop = (error: unknown): void => {
          worker.off('message', take);
          reject(error);
        };
        // Whoever cannot take what is read has failed for good; what the thread still reads is for nobody.
        const abandon = (error: unknown): void => {
          stop(error);
          void worker.terminate();
        };
        onLost = stop;
        const take = (message: FromThread): void => {
          try {
            if (message.kind === 'counted') count(message.rows);
            else if (message.kind === 'batch') {
              const { buffer, byteOffset, byteLength } = message.batch;
              send(Buffer.from(buffer, byteOffset, byteLength)).then(
                (memory) => post({ kind: 'taken', memory }, memory && [memory]),
                abandon,
              );
            } else if (message.kind === 'failed') stop(asError(message));
            else {
              worker.off('message', take);
              resolve(message.result as never);
            }
          } catch (error) {
            abandon(error);
          }
        };
        worker.on('message', take);
        post({ kind: 'order', order });
      });
    },
    async end() {
      await worker.terminate();
    },
  };
}

function asError({ message, refused, stack }: Extract<FromThread, { kind: 'failed' }>): Error {
  const error = refused ? new Refused(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

function startWorker(path: string): Worker {
  const options = { workerData: { path }, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEBIBYTES_MAX } };
  if (MODULE.pathname.endsWith('.mjs')) return new Worker(MODULE, options);
  // Each thread has loaders of its own, and Node 20 runs no TypeScript without one.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const module = JSON.stringify(MODULE.href);
  return new Worker(`import(${loader}).then(({ register }) => (register(), import(${module})))`, {
    ...options,
    eval: true,
  });
}
