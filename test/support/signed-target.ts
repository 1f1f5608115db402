import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { finalizeEvent } from 'nostr-tools/pure';
import { hexToBytes } from 'nostr-tools/utils';
import { type ConnectTarget, connectAs, type OnTarget, type TargetAddress } from '../../lambdas/target-database.ts';
import type { Manifest } from '../../migrator/manifest.ts';
import { environmentOf, migrateHere, type Place } from './migrator.ts';
import { freshDatabase } from './postgres.ts';
import { createRelayTables, eventWriter } from './relay-source.ts';
import { withClient } from './table-bytes.ts';

/** As many as the smallest sample of the event checks, so that every event is in every sample. */
export const EVENTS = 30;
export const TABLES = { events: 'relay__events', tags: 'relay__event_tags', kv: 'kv' };

/** A SQLite file with events that are really signed, and an empty database for it. */
export interface SignedPlace extends Place {
  remove(): void;
}

export async function signedPlace(): Promise<SignedPlace> {
  const directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
  const sqlitePath = join(directory, 'db');
  createSignedSource(sqlitePath);
  const { url } = await freshDatabase();
  return { sqlitePath, url, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Every event has tags, one of them twice, as is legal. */
function createSignedSource(path: string): void {
  const database = new Database(path);
  try {
    createRelayTables(database, 'relay', false);
    const write = eventWriter(database);
    for (let count = 0; count < EVENTS; count++) {
      const tags = [
        ['t', 'größe'],
        ['t', 'größe'],
        ['n', String(count)],
      ];
      const template = { kind: 1, created_at: 1_700_000_000 + count, content: `note ${count} "漢字"\n\\`, tags };
      const event = finalizeEvent(template, hexToBytes((count + 1).toString(16).padStart(64, '0')));
      write({ ...event, tags: JSON.stringify(tags) });
    }
    const insert = database.prepare('INSERT INTO kv VALUES (?, ?)');
    for (const key of ['one', 'two', 'three']) insert.run(key, `value of ${key}`);
  } finally {
    database.close();
  }
}

/** Runs the migrator and gives its manifest. */
export async function migrated(
  place: Place,
  mode: 'load' | 'reconcile',
  runId: string,
  verifierRole?: string,
): Promise<Manifest> {
  const role = verifierRole === undefined ? {} : { CUTOVER_VERIFIER_ROLE: verifierRole };
  const run = await migrateHere(mode, { ...environmentOf(place), CUTOVER_RUN_ID: runId, ...role });
  if (run.code !== 0) throw new Error(`The migrator's ${mode} did not succeed: ${run.message}`);
  return withClient(place.url, async (client) => {
    const { rows } = await client.query('SELECT manifest FROM cutover.run WHERE run_id = $1', [runId]);
    return rows[0].manifest;
  });
}

/** Signs in as the handlers do, with the user and password of a URL or with those that are given. */
export function connectTo(url: string, as: { user?: string; password?: string } = {}): ConnectTarget {
  const { hostname, port, pathname, username, password } = new URL(url);
  const address = { host: hostname, port: Number(port), database: pathname.slice(1) };
  return () => connectAs({ ...address, user: username, password, ...as });
}

/** Calls a handler as the state machine does, with an address that `connectTo` has no need of. */
export function onTarget<Event extends OnTarget, Result>(
  handler: (event: Event) => Promise<Result>,
): (event: Event extends unknown ? Omit<Event, 'target'> : never) => Promise<Result> {
  const target: TargetAddress = { host: '127.0.0.1', port: 1, database: 'none' };
  return (event) => handler({ ...event, target } as never);
}
