import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { generateSecretKey } from 'nostr-tools/pure';
import { note } from './relay-rows.ts';
import { createRelayTables, eventWriter } from './relay-source.ts';

let shared: string | undefined;

/**
 * The data directory of a small relay, which every test of this process may have and none may change: a rehearsal copies
 * it. With it a rehearsal takes half of what it takes with the bundled one. It goes with the test run's directory.
 */
export function smallSource(): string {
  if (shared === undefined) {
    const directory = join(mkdtempSync(join(tmpdir(), 'small-relay-')), 'data');
    makeSmallRelay(directory);
    shared = directory;
  }
  return shared;
}

/** Makes the data directory of a small relay whose events are signed as they should be, for the bundled template. */
export function makeSmallRelay(directory: string, events = 10): void {
  mkdirSync(directory);
  const database = new Database(join(directory, 'db'));
  const secretKey = generateSecretKey();
  try {
    database.pragma('journal_mode = WAL');
    createRelayTables(database, 'sphere_relay');
    const write = eventWriter(database, 'sphere_relay');
    for (let count = 0; count < events; count++) {
      const event = note(secretKey, {
        created_at: 1_700_000_000 + count,
        content: `note ${count}`,
        tags: [['t', 'x']],
      });
      write({ ...event, tags: JSON.stringify(event.tags) });
    }
    database.exec("INSERT INTO kv VALUES ('a', '1'), ('b', '2')");
  } finally {
    database.close();
  }
}
