import { copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import { postgresCells, sqliteCells } from './generic-rows.ts';

/** All rows of all tables by the table's name, each row as the hexadecimal digits of its bytes, sorted. */
export type TableBytes = Record<string, string[]>;

const RELAY_TABLE = /^(.+__events|.+__event_tags|kv)$/;

/**
 * Reads the relay's tables of a SQLite file, with all that stands in its WAL, without touching it. Shares no code with
 * the migrator.
 */
export function sqliteBytes(sqlitePath: string): TableBytes {
  return withSqliteCopy(sqlitePath, (database) => {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
    return Object.fromEntries(
      names.filter((name) => RELAY_TABLE.test(name)).map((name) => [name, bytesOf(database, name)]),
    );
  });
}

function bytesOf(database: Database.Database, name: string): string[] {
  const columns = (database.pragma(`table_info(${quoted(name)})`) as { name: string }[]).map((column) => column.name);
  const fields = columns.sort().map((column) => `hex(${quoted(column)})`);
  const rows = database
    .prepare(`SELECT ${fields.join(` || '|' || `)} FROM ${quoted(name)}`)
    .pluck()
    .all() as string[];
  return rows.map((row) => row.toLowerCase()).sort();
}

/** Opens a copy of a SQLite file with all that stands in its WAL; opening the file itself would change it. */
export function withSqliteCopy<T>(sqlitePath: string, work: (database: Database.Database) => T): T {
  const path = realpathSync(sqlitePath);
  const directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
  try {
    for (const suffix of ['', '-wal']) {
      if (existsSync(path + suffix)) copyFileSync(path + suffix, join(directory, `db${suffix}`));
    }
    const database = new Database(join(directory, 'db'), { fileMustExist: true });
    try {
      return work(database);
    } finally {
      database.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Reads the relay's tables of a PostgreSQL database; its tsvector, which the source has not, is left out. */
export async function postgresBytes(url: string): Promise<TableBytes> {
  return withClient(url, async (client) => {
    const { rows: names } = await client.query(
      `SELECT table_name AS name, array_agg(column_name::text ORDER BY column_name COLLATE "C") AS columns
       FROM information_schema.columns WHERE table_schema = 'public' AND data_type <> 'tsvector' GROUP BY 1`,
    );
    const tables: TableBytes = {};
    for (const { name, columns } of names as { name: string; columns: string[] }[]) {
      const fields = columns.map((column) => `encode(convert_to(${quoted(column)}::text, 'UTF8'), 'hex')`);
      const { rows } = await client.query({
        text: `SELECT ${fields.join(` || '|' || `)} FROM ${quoted(name)}`,
        rowMode: 'array',
      });
      tables[name] = rows.map((row) => row[0] as string).sort();
    }
    return tables;
  });
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Everything that a run may leave in a database: schemas, relations, functions, and what schema `cutover` says. */
export async function databaseObjects(url: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      `SELECT 'schema ' || nspname AS object FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public$)'
       UNION ALL SELECT format('relation %s.%s', relnamespace::regnamespace, relname) FROM pg_class
         WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
       UNION ALL SELECT format('function %s.%s', pronamespace::regnamespace, proname) FROM pg_proc
         WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
       ORDER BY 1`,
    );
    return rows.map((row) => row.object);
  });
}

/**
 * What the target has otherwise than the source, a line for each table; an empty list means equal in every byte.
 *
 * @param generic tables of other kinds than the relay's
 */
export async function differences(
  { sqlitePath, url }: { sqlitePath: string; url: string },
  generic: string[] = [],
): Promise<string[]> {
  const source = sqliteBytes(sqlitePath);
  const target = await postgresBytes(url);
  for (const name of generic) {
    source[name] = sqliteCells(sqlitePath, name);
    if (target[name]) target[name] = await postgresCells(url, name);
  }
  return [...new Set([...Object.keys(source), ...Object.keys(target)])].flatMap((name) => {
    const ours = source[name];
    const theirs = target[name];
    if (!ours || !theirs) return [`${name}: only in the ${ours ? 'source' : 'target'}`];
    if (ours.length === theirs.length && ours.every((row, index) => row === theirs[index])) return [];
    return [`${name}: ${ours.length} rows in the source, ${theirs.length} in the target, not the same`];
  });
}
