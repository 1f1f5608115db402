import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { environmentOf, migrateHere, type Place, type Result } from './migrator.ts';
import { freshDatabase } from './postgres.ts';
import { createRelaySource } from './relay-source.ts';

/** What `badScene` has that cannot go over. */
export const QUARANTINED = { kv: 2, relay__event_tags: 6, relay__events: 3 };

/** Rows of every kind that goes to quarantine, those among them that PostgreSQL could hold, and a tag that goes to an event of the others. */
const BAD_ROWS = `
  INSERT INTO relay__events VALUES ('altered', 1, 1, 'p', 'not what was signed', '[]', 's'),
    ('NUL', 2, 1, 'p', 'a' || char(0) || 'b', '[]', CAST(x'ff' AS TEXT)), ('large kind', 3, 5000000000, 'p', x'00', 'no JSON', 0.1);
  INSERT INTO relay__event_tags VALUES ('altered', 't', 'of an altered event'), ('altered', 't', 'of an altered event'),
    ('NUL', 't', 'fits'), ('nobody', 't', 'orphan'), ('nobody', 't', 'orphan');
  INSERT INTO relay__event_tags SELECT id, CAST(x'fe' AS TEXT), 'of a good event' FROM relay__events WHERE rowid = 1;
  INSERT INTO kv VALUES (CAST(x'fe' AS TEXT), 'value'), (NULL, NULL)`;

/** Writes as no relay does: without its rules. */
export function write(sqlitePath: string, sql: string): void {
  const database = new Database(sqlitePath);
  database.pragma('foreign_keys = OFF');
  database.exec(sql);
  database.close();
}

/** Twenty good events with tags and three settings, and the bad rows. */
export async function badScene(): Promise<Place> {
  const sqlitePath = join(mkdtempSync(join(tmpdir(), 'relay-cutover-test-')), 'db');
  createRelaySource(sqlitePath, { events: 20 });
  const database = new Database(sqlitePath);
  // As a file has it whose table was made without NOT NULL.
  database.exec('DROP TABLE kv; CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT)');
  database.exec(`INSERT INTO kv VALUES ('key 0', 'value'), ('key 1', ''), ('key 2', '\\N')`);
  database.close();
  write(sqlitePath, BAD_ROWS);
  return { sqlitePath, url: (await freshDatabase()).url };
}

/** Runs the migrator with --quarantine. */
export function quarantining(mode: string, place: Place, runId?: string): Promise<Result> {
  return migrateHere(mode, {
    ...environmentOf(place),
    CUTOVER_QUARANTINE: '1',
    ...(runId && { CUTOVER_RUN_ID: runId }),
  });
}
