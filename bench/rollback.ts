import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { takeAuthority } from '../migrator/authority.ts';
import { tableNamed } from '../migrator/table-kinds.ts';
import { verifyTable } from '../migrator/verify-table.ts';
import { createDatabase, startPostgres } from '../rehearsal/embedded-postgres.ts';
import { runCli } from './run-cli.ts';

/** What a rollback after a week has to keep: the work of its write stop, without the start of any task. */
const GOAL_SECONDS = 15;
const EVENTS = 200_000;
const CHANGED = 1_000;
const TABLES = ['relay__events', 'relay__event_tags', 'kv'];

/** A relay's file without its full-text index, of about 250 MB. */
function createSource(path: string): void {
  const database = new Database(path);
  database.function('event_id', (pubkey, createdAt, tags, content) =>
    createHash('sha256')
      .update(`[0,${JSON.stringify(pubkey)},${createdAt},1,${tags},${JSON.stringify(content)}]`)
      .digest('hex'),
  );
  database.exec(`
    CREATE TABLE relay__events (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, kind INTEGER NOT NULL, pubkey TEXT NOT NULL,
      content TEXT NOT NULL, tags TEXT NOT NULL, sig TEXT NOT NULL);
    CREATE TABLE relay__event_tags (event_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
      FOREIGN KEY (event_id) REFERENCES relay__events(id) ON DELETE CASCADE);
    CREATE INDEX relay__idx_event_tags_event_id ON relay__event_tags(event_id);
    CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TEMP TABLE numbers AS WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${EVENTS}) SELECT value FROM n;
    INSERT INTO kv SELECT 'key ' || value, 'value ' || value FROM numbers WHERE value <= 1000;
    CREATE TEMP TABLE notes AS SELECT lower(hex(randomblob(32))) AS pubkey, 1700000000 + value AS created_at,
      'a note ' || value || ' of words and ' || hex(randomblob(120)) AS content, '[["t","one"],["p","two"]]' AS tags,
      lower(hex(randomblob(64))) AS sig FROM numbers;
    INSERT INTO relay__events SELECT event_id(pubkey, created_at, tags, content), created_at, 1, pubkey, content, tags, sig FROM notes;
    INSERT INTO relay__event_tags SELECT id, 't', 'one' FROM relay__events UNION ALL SELECT id, 'p', 'two' FROM relay__events;`);
  database.close();
}

/** New events, events that went, and settings with another value. */
const CHANGE = `
  INSERT INTO relay__events (id, created_at, kind, pubkey, content, tags, sig)
    SELECT md5(random()::text) || md5(random()::text), 1800000000, 1, pubkey, content, tags, sig FROM relay__events LIMIT ${CHANGED / 2};
  DELETE FROM relay__events WHERE id IN (SELECT id FROM relay__events WHERE created_at < 1800000000 LIMIT ${CHANGED / 4});
  UPDATE kv SET value = value || ' changed' WHERE key IN (SELECT key FROM kv LIMIT ${CHANGED / 4})`;

const directory = await mkdtemp(join(tmpdir(), 'relay-cutover-bench-'));
// As on RDS.
const server = await startPostgres({ dynamic_shared_memory_type: 'posix' });
try {
  const path = join(directory, 'db');
  createSource(path);
  const { url } = await createDatabase(server.adminUrl, 'rollback');
  const environment = { SQLITE_PATH: path, DATABASE_URL: url };
  await runCli(['migrate', 'load'], environment);
  await runCli(['migrate', 'reconcile'], { ...environment, CUTOVER_RUN_ID: 'bench' });
  const client = new pg.Client(url);
  await client.connect();
  await takeAuthority(client, 'bench');
  await client.query(CHANGE);
  const check = await runCli(['migrate', 'check-reverse'], environment);
  await runCli(['migrate', 'reverse'], environment);
  // As the migrator itself records it: the start of its program is part of a task's start.
  const { rows } = await client.query(
    "SELECT extract(epoch FROM finished_at - started_at)::float8 AS seconds FROM cutover.run WHERE mode = 'reverse'",
  );
  const reverse = rows[0] as { seconds: number };
  const started = performance.now();
  // Which figures they are compared with costs no time.
  for (const name of TABLES) await verifyTable(client, tableNamed(name), { rows: 0, digest: '' });
  const verification = (performance.now() - started) / 1000;
  await client.end();
  const total = reverse.seconds + verification;
  console.log(
    `rollback of ${CHANGED} changed rows in ${EVENTS} events: reverse ${reverse.seconds.toFixed(1)} s, verification ${verification.toFixed(1)} s, together ${total.toFixed(1)} s, goal under ${GOAL_SECONDS} s (before the write stop: check-reverse ${check.seconds.toFixed(1)} s)`,
  );
  if (total >= GOAL_SECONDS) process.exitCode = 1;
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
