import Database from 'better-sqlite3';
import type { Place, Result } from './migrator.ts';
import { scene } from './scene.ts';
import { withClient } from './table-bytes.ts';

/** Tables that no relay has: two that go over and one that stays behind, all with foreign keys to the events. */
const TABLES = `
  CREATE TABLE media (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, event TEXT REFERENCES relay__events (id) ON DELETE CASCADE,
    size INTEGER, score, data BLOB);
  CREATE TABLE "odd ""names" (place, rid, occurrence);
  CREATE TABLE invite (code TEXT, event TEXT REFERENCES relay__events (id) ON DELETE CASCADE);`;

const ROWS = `
  INSERT INTO media SELECT rowid, 'name ' || rowid, id, rowid, CASE rowid % 3 WHEN 0 THEN rowid WHEN 1 THEN rowid / 7.0 END, randomblob(rowid) FROM relay__events;
  INSERT INTO "odd ""names" VALUES (x'00', 9e999, ''), (x'', -5e-324, NULL);
  INSERT INTO invite SELECT 'code', id FROM relay__events;`;

export const GENERIC = ['media', 'odd "names'];

/** How the tables are named to the migrator. */
export function chosen(exclude: string[], generic: string[]): NodeJS.ProcessEnv {
  return {
    CUTOVER_EXCLUDE_TABLES: JSON.stringify(exclude),
    CUTOVER_GENERIC_TABLES: JSON.stringify(generic),
  };
}

/** A good source with such tables, and an empty target. */
export async function genericPlace(): Promise<Place> {
  return withGenericTables(await scene());
}

/** Adds the tables to the source of a place. */
export function withGenericTables(place: Place): Place {
  change(place, TABLES + ROWS);
  const database = new Database(place.sqlitePath);
  // As a literal it would lose its sign.
  database.prepare(`INSERT INTO "odd ""names" VALUES (NULL, ?, 'a'), (NULL, ?, 'a')`).run(-0, -0);
  database.close();
  return { ...place, options: chosen(['invite'], GENERIC) };
}

export function change({ sqlitePath }: Place, sql: string): void {
  const database = new Database(sqlitePath);
  // As a relay has it that knows nothing of these tables.
  database.pragma('foreign_keys = OFF');
  database.exec(sql);
  database.close();
}

export function said({ lines }: Result): string[] {
  return lines.filter(({ event }) => event === 'message').map(({ text }) => text ?? '');
}

/** What the newest run has written down. */
export function newestManifest(url: string) {
  return withClient(url, async (client) => {
    const { rows } = await client.query('SELECT manifest FROM cutover.run ORDER BY started_at DESC LIMIT 1');
    return rows[0].manifest;
  });
}
