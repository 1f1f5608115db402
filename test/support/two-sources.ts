import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { temporaryDirectory } from './relay-process.ts';
import {
  createRelaySource,
  createRelayTables,
  eventWriter,
  generateEvent,
  idOf,
  randomNumbers,
} from './relay-source.ts';

/** Two of them are more than the migrator sends in one batch. */
const LARGE_EVENTS = 3;
const LARGE_CONTENT = 'wörter \\N "quoted"\n'.repeat(7_000);

/**
 * A file, and the same file after rows of every table were added, replaced and deleted and a second relay came to it. Both
 * take several batches.
 */
export async function twoSources(): Promise<{ first: string; second: string }> {
  const directory = await temporaryDirectory();
  const first = join(directory, 'first');
  const second = join(directory, 'second');
  createRelaySource(first, { events: 40 });
  addLargeEvents(first);
  copyFileSync(first, second);
  const database = new Database(second);
  database.pragma('foreign_keys = ON');
  createRelayTables(database, 'other');
  const random = randomNumbers(2);
  for (const schema of ['relay', 'other']) {
    const write = eventWriter(database, schema);
    for (let count = 0; count < 10; count++) write(generateEvent(random));
  }
  database.exec(`
    DELETE FROM relay__events WHERE rowid % 7 = 0;
    INSERT INTO relay__event_tags SELECT * FROM relay__event_tags WHERE rowid % 3 = 0;
    UPDATE relay__events SET sig = replace(sig, 'a', 'b') WHERE rowid % 5 = 0 OR length(content) > 100000;
    UPDATE kv SET value = value || ' changed' WHERE rowid = 1;
    DELETE FROM kv WHERE rowid = 2;`);
  database.close();
  return { first, second };
}

function addLargeEvents(path: string): void {
  const database = new Database(path);
  const random = randomNumbers(3);
  const write = eventWriter(database);
  for (let count = 0; count < LARGE_EVENTS; count++) {
    const event = { ...generateEvent(random), content: LARGE_CONTENT };
    write({ ...event, id: idOf(event) });
  }
  database.close();
}
