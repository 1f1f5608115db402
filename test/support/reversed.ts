import { copyFileSync, cpSync, existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import type pg from 'pg';
import { createHandler } from '../../lambdas/authority.ts';
import { environmentOf, migrateHere, type Place, type Result } from './migrator.ts';
import { copyOfDatabase } from './postgres.ts';
import { temporaryDirectory } from './relay-process.ts';
import { eventWriter, type GeneratedEvent, generateEvent, randomNumbers } from './relay-source.ts';
import { scene } from './scene.ts';
import { connectTo, migrated, onTarget } from './signed-target.ts';
import { sqliteBytes, type TableBytes, withClient } from './table-bytes.ts';

/** Copies a source to its target and gives the target authority, as a cutover does. */
export async function handOver(place: Place, runId = 'cutover/0/0'): Promise<void> {
  await migrated(place, 'load', `load of ${runId}`);
  await migrated(place, 'reconcile', runId);
  await onTarget(createHandler({ connect: connectTo(place.url) }))({ action: 'take', runId });
}

/** A relay's file, part of which stands in its WAL only, and a target that holds authority and the same rows. */
export async function handedOver(): Promise<Place> {
  const place = await scene();
  await writeAsKilledRelay(place.sqlitePath, (database) => {
    database.exec(`INSERT INTO kv VALUES ('key in the WAL', 'größe')`);
  });
  await handOver(place);
  return place;
}

/** A copy of the source's directory and of the target, so that one scene serves many runs. */
export async function copyOf(place: Place): Promise<Place> {
  const directory = await temporaryDirectory();
  cpSync(dirname(place.sqlitePath), directory, { recursive: true, preserveTimestamps: true });
  return { ...place, sqlitePath: join(directory, 'db'), url: await copyOfDatabase(place.url) };
}

export function reversed(place: Place, more: NodeJS.ProcessEnv = {}): Promise<Result> {
  return migrateHere('reverse', { ...environmentOf(place), ...more });
}

/** Writes to a relay's file and leaves what was written in the WAL, as a relay does that is killed. */
export async function writeAsKilledRelay(path: string, work: (database: Database.Database) => void): Promise<void> {
  const directory = await temporaryDirectory();
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  work(database);
  for (const suffix of ['', '-wal', '-shm']) copyFileSync(path + suffix, join(directory, `db${suffix}`));
  database.close();
  for (const suffix of ['', '-wal', '-shm']) copyFileSync(join(directory, `db${suffix}`), path + suffix);
}

export async function insertEvent(client: pg.Client, event: GeneratedEvent): Promise<void> {
  const { id, created_at, kind, pubkey, content, tags, sig } = event;
  await client.query('INSERT INTO relay__events VALUES ($1, $2, $3, $4, $5, $6, $7)', [
    id,
    created_at,
    kind,
    pubkey,
    content,
    tags,
    sig,
  ]);
  for (const [key, value] of JSON.parse(tags) as [string, string][])
    await client.query('INSERT INTO relay__event_tags VALUES ($1, $2, $3)', [id, key, value]);
}

/** Does to PostgreSQL what a relay may do in a while: every kind of change, and fewer deletions than are refused. */
export async function changeTarget(url: string): Promise<void> {
  const random = randomNumbers(7);
  const everyEighth = (rest: number): string =>
    `id IN (SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM relay__events) AS numbered WHERE place % 8 = ${rest})`;
  await withClient(url, async (client) => {
    await client.query(`DELETE FROM relay__events WHERE ${everyEighth(0)}`);
    await client.query(`UPDATE relay__events SET sig = reverse(sig) WHERE ${everyEighth(1)}`);
    for (let count = 0; count < 9; count++) await insertEvent(client, generateEvent(random));
    await client.query('INSERT INTO relay__event_tags SELECT * FROM relay__event_tags WHERE length(value) % 3 = 0');
    await client.query(`UPDATE kv SET value = value || ' 漢字 \\N' WHERE key = 'key 1'`);
    await client.query(`DELETE FROM kv WHERE key = 'key 2'`);
    await client.query(`INSERT INTO kv VALUES ('key of PostgreSQL', '')`);
  });
}

/** What an old relay does that was started after the cutover, though nobody should: events, tags and settings come, change and go. */
export async function writeToSource(path: string): Promise<void> {
  const random = randomNumbers(11);
  await writeAsKilledRelay(path, (database) => {
    const write = eventWriter(database);
    for (let count = 0; count < 3; count++) write(generateEvent(random));
    database.exec(`
      INSERT INTO relay__event_tags SELECT id, 't', 'twice' FROM relay__events WHERE rowid = (SELECT max(rowid) FROM relay__events);
      INSERT INTO relay__event_tags SELECT * FROM relay__event_tags WHERE value = 'twice';
      INSERT INTO relay__event_tags SELECT id, 't', 'of an event that both have' FROM relay__events WHERE rowid = 5;
      DELETE FROM relay__events WHERE rowid = 6;
      UPDATE relay__events SET sig = 'of SQLite' WHERE rowid = 7;
      UPDATE kv SET value = 'of SQLite' WHERE key = 'key 0';
      INSERT INTO kv VALUES ('key of SQLite', '');`);
  });
}

const KEY_FIELDS: Record<string, number> = { relay__events: 2, relay__event_tags: 0, kv: 0 };

/** All rows of PostgreSQL, and those of SQLite whose event or key PostgreSQL has not. */
export function union(source: TableBytes, target: TableBytes): TableBytes {
  const keyOf = (table: string, row: string): string => row.split('|')[KEY_FIELDS[table] as number] as string;
  const events = new Set(target.relay__events?.map((row) => keyOf('relay__events', row)));
  const settings = new Set(target.kv?.map((row) => keyOf('kv', row)));
  return Object.fromEntries(
    Object.entries(target).map(([table, rows]) => {
      const there = table === 'kv' ? settings : events;
      const kept = (source[table] ?? []).filter((row) => !there.has(keyOf(table, row)));
      return [table, [...rows, ...kept].sort()];
    }),
  );
}

/** What the files hold that runs have moved aside, oldest first. */
export function oldFiles({ sqlitePath }: Place): TableBytes[] {
  const directory = dirname(sqlitePath);
  return readdirSync(directory)
    .filter((name) => name.startsWith('before-reverse-'))
    .sort()
    .map((name) => sqliteBytes(join(directory, name, 'db')));
}

/** The ids of the events that a relay finds by its full-text index. Looks at a copy: opening a file changes it. */
export async function search(sqlitePath: string, word: string): Promise<string[]> {
  const path = join(await temporaryDirectory(), 'db');
  for (const suffix of ['', '-wal'].filter((suffix) => existsSync(sqlitePath + suffix)))
    copyFileSync(sqlitePath + suffix, path + suffix);
  const database = new Database(path);
  try {
    return database
      .prepare(
        'SELECT id FROM relay__events WHERE rowid IN (SELECT rowid FROM relay__events_fts WHERE relay__events_fts MATCH ?) ORDER BY id',
      )
      .pluck()
      .all(word) as string[];
  } finally {
    database.close();
  }
}
