import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { finalizeEvent } from 'nostr-tools/pure';
import { hexToBytes } from 'nostr-tools/utils';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyCounts } from '../../lambdas/verify-counts.ts';
import type { TableManifest } from '../../migrator/manifest.ts';
import { tableNamed } from '../../migrator/table-kinds.ts';
import { verifyTable } from '../../migrator/verify-table.ts';
import { isFull } from '../support/extent.ts';
import { allHarms, type Harm } from '../support/harms.ts';
import { freshDatabase } from '../support/postgres.ts';
import { createRelayTables, eventWriter } from '../support/relay-source.ts';
import { migrated } from '../support/signed-target.ts';

/** So few that every event is in every sample of VerifyCounts; what `verify` says rests on no sample. */
const EVENTS = 12;

const directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
let client: pg.Client;
let loaded: Map<string, TableManifest>;
const refusals = new Map<string, string[]>();
const seen = { harms: 0, verify: 0, verifyCounts: 0 };

beforeAll(async () => {
  const sqlitePath = join(directory, 'db');
  createSource(sqlitePath);
  const { url } = await freshDatabase();
  const manifest = await migrated({ sqlitePath, url }, 'load', 'load');
  loaded = new Map(manifest.tables.map((table) => [table.table, table]));
  client = new pg.Client(url);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  rmSync(directory, { recursive: true, force: true });
});

/** Every event has another kind, author, text and tags; one tag of each is there twice, and the third text has no word. */
function createSource(path: string): void {
  const database = new Database(path);
  createRelayTables(database, 'relay', false);
  const write = eventWriter(database);
  for (let count = 0; count < EVENTS; count++) {
    const tags = [
      ['t', `größe ${count}`],
      ['t', `größe ${count}`],
      ['n', String(count)],
    ];
    const content = count === 2 ? 'the ...' : `note ${count} "漢字" are running\n\\`;
    const template = { kind: 1000 + count, created_at: 1_700_000_000 + count, content, tags };
    const event = finalizeEvent(template, hexToBytes((count + 1).toString(16).padStart(64, '0')));
    write({ ...event, tags: JSON.stringify(tags) });
  }
  const insert = database.prepare('INSERT INTO kv VALUES (?, ?)');
  for (let count = 0; count < EVENTS; count++) insert.run(`key ${count}`, `value ${count}`);
  database.close();
}

/** Every byte of the table's rows, computed columns too, without a line of the migrator. */
async function rowsOf(table: string): Promise<string[]> {
  const there = (await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [table])).rows[0].there;
  if (!there) return ['no such table'];
  return (await client.query(`SELECT t::text AS row FROM ${table} AS t ORDER BY 1`)).rows.map(({ row }) => row);
}

/** What the database itself will not have is done to it without its keys, so that both comparisons have to see it as well. */
async function harm({ title, table, sql }: Harm): Promise<void> {
  await client.query('SAVEPOINT unharmed');
  try {
    await client.query(sql);
    // Not only at the end of the transaction, which does not come.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
  } catch (error) {
    const { code, constraint } = error as pg.DatabaseError;
    if (!code?.startsWith('23')) throw error;
    const by = constraint ?? 'NOT NULL';
    refusals.set(by, [...(refusals.get(by) ?? []), title]);
    await client.query('ROLLBACK TO SAVEPOINT unharmed');
    await dropConstraints(table);
    await client.query(sql);
  }
}

async function dropConstraints(table: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT conname AS name FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('p', 'f')`,
    [table],
  );
  for (const { name } of rows) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name} CASCADE`);
  for (const { name } of tableNamed(table).columns)
    await client.query(`ALTER TABLE ${table} ALTER COLUMN ${name} DROP NOT NULL`);
}

const HARMS = allHarms(isFull ? EVENTS : 1);

describe('a target that was harmed after its load', () => {
  it.each(HARMS)('is not taken for equal: $title', async (one) => {
    const expected = loaded.get(one.table) as TableManifest;
    const table = tableNamed(one.table);
    await client.query('BEGIN');
    try {
      expect(await verifyTable(client, table, expected)).toMatchObject({ verdict: 'verified' });
      const before = await rowsOf(one.table);
      await harm(one);
      expect(await rowsOf(one.table)).not.toEqual(before);
      seen.harms++;
      const verify = await verifyTable(client, table, expected);
      expect(verify).toMatchObject({ verdict: 'mismatch', findings: expect.arrayContaining([expect.any(String)]) });
      seen.verify++;
      expect(await verifyCounts(client, expected)).toMatchObject({
        verdict: 'mismatch',
        findings: expect.arrayContaining(verify.findings),
      });
      seen.verifyCounts++;
    } finally {
      await client.query('ROLLBACK');
    }
  });

  it('is caught by both, whatever was done', () => {
    const refused = [...refusals].map(([by, titles]) => {
      const ofFirstRow = titles.filter((title) => !/ of row [1-9]/.test(title)).map((title) => `\n    ${title}`);
      return `\n  ${titles.length} by ${by}, such as${ofFirstRow.join('')}`;
    });
    console.log(
      `corruption matrix: ${seen.harms} harms, caught by verify ${seen.verify}, by VerifyCounts ${seen.verifyCounts}.\nThe database refuses of these, and without its keys both comparisons catch them:${refused.join('')}`,
    );
    expect([...refusals.keys()].sort()).toEqual([
      'NOT NULL',
      'kv_pkey',
      'relay__event_tags_event_id_fkey',
      'relay__events_pkey',
    ]);
    expect(seen).toEqual({ harms: HARMS.length, verify: HARMS.length, verifyCounts: HARMS.length });
  });
});
