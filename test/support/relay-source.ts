import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

export interface RelaySource {
  events: number;
  keyValues?: number;
  schema?: string;
  /** Full-text search as the relay has it; it makes the file larger and the filling slower. */
  fullText?: boolean;
}

export interface GeneratedEvent {
  id: string;
  created_at: number;
  kind: number;
  pubkey: string;
  content: string;
  tags: string;
  sig: string;
}

const WORDS =
  'relay note 🚀 zap\ttab line\nbreak back\\slash NULL \\N \\. größe 漢字 "quoted" it\'s reply thread'.split(' ');

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** NIP-01's id, computed apart from the migrator's own code. */
export function idOf(
  event: Omit<GeneratedEvent, 'id' | 'sig' | 'created_at'> & { created_at: number | bigint },
): string {
  const { pubkey, created_at, kind, tags, content } = event;
  return createHash('sha256')
    .update(`[0,${JSON.stringify(pubkey)},${created_at},${kind},${tags},${JSON.stringify(content)}]`)
    .digest('hex');
}

export function generateEvent(random: () => number): GeneratedEvent {
  const integer = (limit: number): number => Math.floor(random() * limit);
  const hex = (digits: number): string =>
    Array.from({ length: digits / 8 }, () =>
      integer(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
  const tags = Array.from({ length: integer(5) }, () =>
    integer(3) === 0 ? ['p', hex(64)] : ['t', WORDS[integer(WORDS.length)] as string],
  );
  const event = {
    created_at: 1_600_000_000 + integer(10 ** 8),
    kind: [0, 1, 3, 7, 9, 1111, 30023][integer(7)] as number,
    pubkey: hex(64),
    content: Array.from({ length: integer(30) }, () => WORDS[integer(WORDS.length)]).join(' '),
    tags: JSON.stringify(tags),
  };
  return { id: idOf(event), ...event, sig: hex(128) };
}

/** The tables of one virtual relay, as its SQLite version creates them. */
export function createRelayTables(database: Database.Database, schema = 'relay', fullText = true): void {
  const name = (rest: string): string => `"${schema}__${rest}"`;
  database.exec(`
    CREATE TABLE ${name('events')} (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, kind INTEGER NOT NULL,
      pubkey TEXT NOT NULL, content TEXT NOT NULL, tags TEXT NOT NULL, sig TEXT NOT NULL);
    CREATE TABLE ${name('event_tags')} (event_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
      FOREIGN KEY (event_id) REFERENCES ${name('events')}(id) ON DELETE CASCADE);
    CREATE INDEX ${name('idx_event_tags_event_id')} ON ${name('event_tags')}(event_id);
    CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL);`);
  if (!fullText) return;
  database.exec(`
    CREATE VIRTUAL TABLE ${name('events_fts')} USING fts5(content, content=${name('events')}, content_rowid='rowid');
    CREATE TRIGGER ${name('events_ai')} AFTER INSERT ON ${name('events')} BEGIN
      INSERT INTO ${name('events_fts')}(rowid, content) VALUES (new.rowid, new.content); END;
    CREATE TRIGGER ${name('events_ad')} AFTER DELETE ON ${name('events')} BEGIN
      INSERT INTO ${name('events_fts')}(${name('events_fts')}, rowid, content) VALUES ('delete', old.rowid, old.content); END;`);
}

/** Stores an event with its tags, as the relay does, in the caller's transaction. */
export function eventWriter(database: Database.Database, schema = 'relay'): (event: GeneratedEvent) => void {
  const insertEvent = database.prepare(
    `INSERT INTO "${schema}__events" VALUES (@id, @created_at, @kind, @pubkey, @content, @tags, @sig)`,
  );
  const insertTag = database.prepare(`INSERT INTO "${schema}__event_tags" VALUES (?, ?, ?)`);
  return (event) => {
    insertEvent.run(event);
    for (const [key, value] of JSON.parse(event.tags) as [string, string][]) insertTag.run(event.id, key, value);
  };
}

/** Writes a new SQLite file; the same figures give the same rows. */
export function createRelaySource(path: string, source: RelaySource, seed = 1): void {
  const { events, keyValues = 3, schema = 'relay', fullText = true } = source;
  const database = new Database(path);
  const random = randomNumbers(seed);
  try {
    database.pragma('journal_mode = WAL');
    createRelayTables(database, schema, fullText);
    database.transaction(() => {
      const write = eventWriter(database, schema);
      for (let count = 0; count < events; count++) write(generateEvent(random));
      const insertKeyValue = database.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?)');
      for (let count = 0; count < keyValues; count++) insertKeyValue.run(`key ${count}`, `value ${count}`);
    })();
  } finally {
    database.close();
  }
}
