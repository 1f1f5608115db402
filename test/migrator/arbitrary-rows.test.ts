import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/authority.ts';
import { tableNamed } from '../../migrator/table-kinds.ts';
import { type ArbitraryRelays, arbitraryRelays, rowsOf, tablesOf, writeRelays } from '../support/arbitrary-relays.ts';
import { isFull } from '../support/extent.ts';
import { migratePlace, type Place } from '../support/migrator.ts';
import { dropDatabase, freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { reversed } from '../support/reversed.ts';
import { connectTo, migrated, onTarget } from '../support/signed-target.ts';
import { databaseObjects, differences, withClient } from '../support/table-bytes.ts';

/** Many tables go in one load, so that thousands of them take minutes. */
const RELAYS = isFull ? 40 : 20;
/** A failure names its seed; to make it smaller would take one load for each try. */
const parametersOf = (bounded: number, full: number) => ({ numRuns: isFull ? full : bounded, endOnFailure: true });
const seen = { tables: 0, rows: 0, refusedRows: 0 };

/** What a relay may do to rows that are there: some go, some change, some come twice. `eighth` picks which. */
function changes(schema: string, eighth: number): string[] {
  const [events, tags] = [`"${schema}__events"`, `"${schema}__event_tags"`];
  return [
    `DELETE FROM ${tags} WHERE length(key) % 8 = ${eighth}`,
    `DELETE FROM ${events} WHERE length(content) % 8 = ${eighth}`,
    `UPDATE ${events} SET sig = sig || 'ß' WHERE length(pubkey) % 4 = ${eighth % 4}`,
    `INSERT INTO ${tags} SELECT * FROM ${tags} WHERE length(value) % 4 = ${eighth % 4}`,
    `UPDATE kv SET value = value || key WHERE length(value) % 8 = ${eighth}`,
    `DELETE FROM kv WHERE length(key) % 8 = ${eighth}`,
  ];
}

function changeSource(path: string, more: ArbitraryRelays, eighth: number): void {
  const database = new Database(path);
  database.pragma('foreign_keys = ON');
  for (const { schema } of more.relays) for (const statement of changes(schema, eighth)) database.exec(statement);
  writeRelays(database, more);
  database.close();
}

async function changeTarget(url: string, more: ArbitraryRelays, eighth: number): Promise<void> {
  await withClient(url, async (client) => {
    const insert = (table: string, values: unknown[]): Promise<unknown> =>
      client.query(
        `INSERT INTO "${table}" VALUES (${values.map((_, place) => `$${place + 1}`).join(', ')}) ON CONFLICT DO NOTHING`,
        values,
      );
    await client.query('BEGIN');
    for (const { schema } of more.relays) await client.query(changes(schema, eighth).join(';'));
    for (const { table, values } of more.relays.flatMap(rowsOf)) {
      // Its event may have been there before, and may have gone.
      await client.query('SAVEPOINT row');
      await insert(table, values).catch(() => client.query('ROLLBACK TO SAVEPOINT row'));
    }
    for (const { key, value } of more.keyValues) await insert('kv', [key, value]);
    await client.query('COMMIT');
  });
}

async function assertEqual(place: Place, relays: ArbitraryRelays): Promise<void> {
  expect(await differences(place)).toEqual([]);
  seen.tables += tablesOf(relays);
  seen.rows += relays.relays.flatMap(rowsOf).length + relays.keyValues.length;
}

/** What PostgreSQL cannot hold, each as an expression of SQLite, and the types of columns in which it can come to stand. */
const ILLEGAL_VALUES = [
  { value: "'before' || char(0) || 'after'", types: ['text'] },
  { value: "CAST(x'ff41' AS TEXT)", types: ['text'] },
  { value: "CAST(x'eda080' AS TEXT)", types: ['text'] },
  { value: "CAST(x'c0af' AS TEXT)", types: ['text'] },
  { value: "CAST(x'f09f9a' AS TEXT)", types: ['text'] },
  { value: "x'6162'", types: ['text', 'int8', 'int4'] },
  { value: '1.5', types: ['int8', 'int4'] },
  { value: '9223372036854775808.0', types: ['int8', 'int4'] },
  { value: "'no number'", types: ['int8', 'int4'] },
  { value: '2147483648', types: ['int4'] },
  { value: '-2147483649', types: ['int4'] },
];

/** Which rows of the source, which of their columns, and which of the values that are illegal there. */
const illegal = fc.array(fc.record({ row: fc.nat(), column: fc.nat(), value: fc.nat() }), {
  minLength: 1,
  maxLength: 25,
});

/** Makes values illegal, and gives how a refusal names each of them. */
function spoil(path: string, choices: { row: number; column: number; value: number }[]): string[] {
  const database = new Database(path);
  database.pragma('foreign_keys = OFF');
  const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").pluck().all();
  const rows = (names as string[]).flatMap((table) =>
    (database.prepare(`SELECT rowid FROM "${table}"`).pluck().all() as number[]).map((rowid) => ({ table, rowid })),
  );
  const named = new Set<string>();
  for (const { row, column, value } of rows.length === 0 ? [] : choices) {
    const { table, rowid } = rows[row % rows.length] as (typeof rows)[number];
    const columns = tableNamed(table).columns;
    const { name, type } = columns[column % columns.length] as (typeof columns)[number];
    const values = ILLEGAL_VALUES.filter(({ types }) => types.includes(type));
    const { value: expression } = values[value % values.length] as (typeof values)[number];
    // Ignored where a key would come twice, which is a finding of another kind.
    const update = database.prepare(`UPDATE OR IGNORE "${table}" SET "${name}" = ${expression} WHERE rowid = ${rowid}`);
    if (update.run().changes > 0) named.add(`table "${table}", rowid ${rowid}, column "${name}"`);
  }
  database.close();
  return [...named].sort();
}

describe('arbitrary rows', () => {
  it('are the same, byte for byte, after a load, a reconcile and a reverse', async () => {
    const relays = arbitraryRelays(RELAYS);
    const property = fc.asyncProperty(relays, relays, relays, fc.nat(7), async (first, second, third, eighth) => {
      const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
      const database = new Database(place.sqlitePath);
      writeRelays(database, first);
      database.close();
      await migrated(place, 'load', 'load');
      await assertEqual(place, first);
      changeSource(place.sqlitePath, second, eighth);
      await migrated(place, 'reconcile', 'cutover/0/0');
      await assertEqual(place, second);
      await onTarget(createHandler({ connect: connectTo(place.url) }))({ action: 'take', runId: 'cutover/0/0' });
      await changeTarget(place.url, third, (eighth + 1) % 8);
      expect(await reversed(place, { CUTOVER_ALLOW_DELETIONS: '1' })).toMatchObject({ code: 0 });
      await assertEqual(place, third);
      await dropDatabase(place.url);
    });
    await fc.assert(property, parametersOf(2, 20));
  });

  it('are refused when PostgreSQL cannot hold some of them: exactly these, and no table is made', async () => {
    const property = fc.asyncProperty(arbitraryRelays(RELAYS), illegal, async (relays, choices) => {
      const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
      const database = new Database(place.sqlitePath);
      writeRelays(database, relays);
      database.close();
      const expected = spoil(place.sqlitePath, choices);
      const { code, message } = await migratePlace('load', place);
      expect(code).toBe(expected.length === 0 ? 0 : 2);
      // Findings of other kinds follow from these: an id that is no hash any more, a tag whose event has another id.
      const kind = 'SQLite stores it as|a NUL byte|invalid UTF-8|-?\\d+ is out of the range';
      const lines = new RegExp(`^ {2}(table ".+", rowid \\d+, column "\\w+"): (?:${kind})`, 'gm');
      const named = [...(message ?? '').matchAll(lines)].map(([, line]) => line);
      expect(named.sort()).toEqual(expected);
      // Of the relay; the schema of the migrator has word of the refusal.
      const made = (await databaseObjects(place.url)).filter((object) => !/^(schema|relation) cutover\b/.test(object));
      if (expected.length > 0) expect(made).toEqual([]);
      seen.refusedRows += expected.length;
      await dropDatabase(place.url);
    });
    await fc.assert(property, parametersOf(5, 60));
  });
});

afterAll(() =>
  console.log(
    `arbitrary rows: compared ${seen.tables} generated tables of ${seen.rows} generated rows; ${seen.refusedRows} illegal values were named`,
  ),
);
