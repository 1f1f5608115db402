import type { Writable } from 'node:stream';
import Database from 'better-sqlite3';
import pg from 'pg';

/**
 * Hears of a moment such as `before: COMMIT`, `sent: COMMIT`, `after: COMMIT`, or `before: batch 2 of COPY ...`.
 *
 * @param client the connection that it happens on; undefined for a statement to SQLite
 */
type Announce = (moment: string, client?: pg.Client) => void;

/**
 * Announces every statement that any client of PostgreSQL in this process sends: before it is sent, when its bytes have
 * left and no answer has come, and when its end is known. A COPY announces each of its batches too, and what is done to a
 * SQLite file as a whole script is announced before and after.
 *
 * It stands at the client libraries and not in the migrator: a statement that somebody adds there is a moment here without
 * anybody's doing, and the product carries nothing for it.
 *
 * @returns a function that ends it
 */
export function announceStatements(announce: Announce): () => void {
  const { query } = pg.Client.prototype;
  const { exec } = Database.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const text = firstLine(textOf(args[0]));
    announce(`before: ${text}`, this);
    const result = (query as (...args: unknown[]) => unknown).apply(this, args);
    if (isStream(result)) return followBatches(result, text, (moment) => announce(moment, this));
    announce(`sent: ${text}`, this);
    return (result as Promise<unknown>).finally(() => announce(`after: ${text}`, this));
  } as never;
  Database.prototype.exec = function (this: Database.Database, script: string) {
    announce(`before: ${firstLine(script)}`);
    const result = exec.call(this, script);
    announce(`after: ${firstLine(script)}`);
    return result;
  };
  return () => {
    pg.Client.prototype.query = query;
    Database.prototype.exec = exec;
  };
}

export function isOfStatement(moment: string): boolean {
  return /^(before|sent|after): /.test(moment);
}

function followBatches(stream: Writable, text: string, announce: (moment: string) => void): Writable {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let batches = 0;
  stream.write = (...args: unknown[]) => {
    const batch = `batch ${++batches} of ${text}`;
    announce(`before: ${batch}`);
    const hasRoom = write(...args);
    announce(`after: ${batch}`);
    return hasRoom;
  };
  const end = stream.end.bind(stream) as () => Writable;
  stream.end = () => {
    const ended = end();
    announce(`sent: ${text}`);
    return ended;
  };
  // Registered before the listener of whoever sends the rows, so that it is heard before the work goes on.
  stream.once('finish', () => announce(`after: ${text}`));
  return stream;
}

/** A statement is a text, an object with a text, or a COPY. */
function textOf(statement: unknown): string {
  return typeof statement === 'string' ? statement : (statement as { text: string }).text;
}

function firstLine(text: string): string {
  const line = text.trim().split('\n')[0] as string;
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

function isStream(result: unknown): result is Writable {
  return typeof (result as Partial<Writable>).write === 'function';
}
