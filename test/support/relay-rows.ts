import { join } from 'node:path';
import Database from 'better-sqlite3';
import { finalizeEvent, type NostrEvent } from 'nostr-tools/pure';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { StoreKind } from '../../rehearsal/relay/settings.ts';
import { freshDatabase } from './postgres.ts';
import { temporaryDirectory } from './relay-process.ts';

export type Rows = Record<string, unknown>[];

/** A place for a relay's rows, and a look into it past the relay. */
export async function newStore(
  kind: StoreKind,
): Promise<{ environment: Record<string, string>; select(sql: string): Promise<Rows> }> {
  if (kind === 'sqlite') {
    const directory = await temporaryDirectory();
    return { environment: { DATA: directory }, select: async (sql) => selectFrom(join(directory, 'db'), sql) };
  }
  const { url } = await freshDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return { environment: { DATABASE_URL: url }, select: async (sql) => (await client.query(sql)).rows };
}

/** Reads a SQLite file beside the relay that has it open. */
export function selectFrom(file: string, sql: string): Rows {
  const database = new Database(file, { fileMustExist: true });
  try {
    return database.prepare(sql).all() as Rows;
  } finally {
    database.close();
  }
}

/** An event of kind 1 unless the fields say otherwise, without the mark that the library leaves on what it signed itself. */
export function note(secretKey: Uint8Array, fields: Partial<NostrEvent> = {}): NostrEvent {
  const event = finalizeEvent({ kind: 1, created_at: 1_700_000_000, content: 'note', tags: [], ...fields }, secretKey);
  return JSON.parse(JSON.stringify(event));
}
