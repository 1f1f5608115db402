import Database from 'better-sqlite3';
import { describe, expect, inject, it } from 'vitest';
import { adoptTables } from '../../migrator/foreign-rows.ts';
import { createProgress } from '../../migrator/progress.ts';
import { tableNamed } from '../../migrator/table-kinds.ts';
import { migratePlace } from '../support/migrator.ts';
import { scene } from '../support/scene.ts';
import { databaseObjects, postgresBytes, withClient } from '../support/table-bytes.ts';

const WRITING_MODES = ['load', 'reconcile'];

describe('a target that is not ours to write to', () => {
  it('is left as it is when authority is with it', async () => {
    const place = await scene();
    await migratePlace('load', place);
    await withClient(place.url, async (client) => {
      await client.query(
        "UPDATE cutover.authority SET holder = 'target', run_id = 'switch/1', changed_at = '2030-01-02T03:04:05Z'",
      );
      await client.query("INSERT INTO kv VALUES ('written', 'after the cutover')");
    });
    const before = await wholeTarget(place.url);
    for (const mode of ['check', ...WRITING_MODES]) {
      expect(await migratePlace(mode, place)).toMatchObject({
        code: 2,
        message:
          'Authority is with the target since 2030-01-02T03:04:05.000Z (run switch/1): it may hold events that the source never saw, and a copy from the source would erase them. Nothing was changed. To go back to SQLite, run the rollback first.',
      });
      expect(await wholeTarget(place.url)).toEqual(before);
    }
  });

  it('is left as it is when it holds rows that no run brought there', async () => {
    const place = await scene();
    await withClient(place.url, (client) =>
      client.query(`CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT);
        INSERT INTO kv VALUES ('a', 'b'), ('c', 'd'), ('key 1', 'value 1'), ('key 2', 'another value');
        CREATE TABLE relay__events (id TEXT); INSERT INTO relay__events VALUES ('e')`),
    );
    const before = await wholeTarget(place.url);
    for (const mode of ['check', 'load']) {
      expect(await migratePlace(mode, place)).toMatchObject({
        code: 2,
        message:
          'The target holds rows that this source does not account for: "kv" has 4 rows (3 of them only in the target: "a", "c", "key 2", and 2 rows of the source are not there); "relay__events" has 1 rows (it has the columns id text; expected content text, created_at bigint, id text, kind integer, pubkey text, search_vector tsvector, sig text, tags text). Nothing was changed. Check DATABASE_URL; if the rows are not needed, drop these tables (and their rows of cutover.table_progress), then repeat.',
      });
      expect(await wholeTarget(place.url)).toEqual(before);
    }
  });

  it('is left as it is when the source has lost a table since the load', async () => {
    const place = await scene();
    await migratePlace('load', place);
    const before = await wholeTarget(place.url);
    const database = new Database(place.sqlitePath);
    database.exec('DROP TABLE kv');
    database.close();
    for (const mode of WRITING_MODES) {
      expect(await migratePlace(mode, place)).toMatchObject({
        code: 2,
        message:
          'The target holds rows that this source does not account for: "kv" was copied by an earlier run, and the source has no such table any more. Nothing was changed. Check DATABASE_URL; if the rows are not needed, drop these tables (and their rows of cutover.table_progress), then repeat.',
      });
    }
    expect(await wholeTarget(place.url)).toEqual(before);
  });

  it('is not reconciled before it was loaded, and nothing is created', async () => {
    const place = await scene();
    expect(await migratePlace('reconcile', place)).toMatchObject({
      code: 2,
      message:
        'There is no schema "cutover" in the target: no load has run. Run "load" first, while the relay is live; the write stop stays short then.',
    });
    expect(await databaseObjects(place.url)).toEqual([]);
  });

  it('is taken over where it has the very rows of the source, whoever brought them', async () => {
    const place = await scene();
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    await withClient(place.url, (client) => client.query('DROP SCHEMA cutover CASCADE'));
    const before = await wholeTarget(place.url);
    const said = async (mode: string): Promise<(string | undefined)[]> => {
      const { code, message, lines } = await migratePlace(mode, place);
      expect({ mode, code, message }).toEqual({ mode, code: 0, message: undefined });
      return lines.map(({ text, name }) => text ?? name);
    };
    expect(await said('check')).toContain('kv stands in the target already, with the same rows.');
    expect(await wholeTarget(place.url)).toEqual(before);
    const loaded = await said('load');
    expect(loaded).toContain('relay__events stands in the target already, with the same 20 rows; it is taken over.');
    expect(loaded).toContain('Reconciled kv: +0 -0 rows');
    expect(loaded.join()).not.toMatch(/table (created|filled)/);
    expect(await said('reconcile')).toContain('Reconciled relay__event_tags: +0 -0 rows');
  });

  it('is not taken over when somebody has changed its rows since they were compared', async () => {
    const place = await scene();
    await migratePlace('load', place);
    await withClient(place.url, async (client) => {
      await client.query('DELETE FROM cutover.table_progress');
      const digest = { rows: 3, digest: '0'.repeat(64) };
      const adoption = adoptTables(
        client,
        [{ table: tableNamed('kv'), digest }],
        'late',
        createProgress(() => {}, true),
      );
      await expect(adoption).rejects.toThrow('"kv" had the same rows a moment ago, and somebody has changed them');
      expect((await client.query('SELECT FROM cutover.table_progress')).rowCount).toBe(0);
    });
  });

  it.each([
    [
      'INSERT INTO relay__event_tags SELECT * FROM relay__event_tags LIMIT 1',
      'event_tags',
      '1 of them only in the target: "',
    ],
    [
      'DELETE FROM relay__event_tags WHERE ctid = (SELECT min(ctid) FROM relay__event_tags)',
      'event_tags',
      '1 rows of the source are not there',
    ],
    [
      "UPDATE kv SET value = 'other'",
      'kv',
      '3 of them only in the target: "key 0", "key 1", "key 2", and 3 rows of the source are not there',
    ],
    ["UPDATE relay__events SET id = lpad(left(sig, 3), 200, 'x')", 'events', '20 of them only in the target: "xxx'],
    [
      'ALTER TABLE kv ADD note TEXT',
      'kv',
      'it has the columns key text, note text, value text; expected key text, value text',
    ],
  ])('is refused where it differs by a little: %s', async (sql, table, finding) => {
    const place = await scene();
    await migratePlace('load', place);
    await withClient(place.url, (client) =>
      client.query(
        `DROP SCHEMA cutover CASCADE; ALTER TABLE relay__event_tags DROP CONSTRAINT relay__event_tags_event_id_fkey; ${sql}`,
      ),
    );
    const before = await wholeTarget(place.url);
    for (const mode of ['check', 'load']) {
      const { code, message } = await migratePlace(mode, place);
      expect({ mode, code, message }).toMatchObject({ mode, code: 2, message: expect.stringContaining(finding) });
      expect(message).toMatch(
        new RegExp(`^The target holds rows that this source does not account for: "(relay__)?${table}" has`),
      );
    }
    expect(await wholeTarget(place.url)).toEqual(before);
  });

  it('takes a load over the empty tables that a relay makes at boot, and over limits that its role has', async () => {
    const place = await scene();
    await withClient(place.url, async (client) => {
      await client.query(`CREATE TABLE relay__events (id TEXT PRIMARY KEY);
        CREATE TABLE relay__event_tags (event_id TEXT REFERENCES relay__events (id)); CREATE TABLE kv (key TEXT)`);
    });
    await withClient(inject('postgresAdminUrl'), async (client) => {
      await client.query(`ALTER ROLE "${place.user}" SET statement_timeout = '200ms'`);
      await client.query(`ALTER ROLE "${place.user}" SET idle_in_transaction_session_timeout = '1ms'`);
      await client.query(`ALTER ROLE "${place.user}" SET search_path = nowhere`);
    });
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 0 });
  });

  it('is copied anew where a table was dropped since the load', async () => {
    const place = await scene();
    await migratePlace('load', place);
    const before = await postgresBytes(place.url);
    await withClient(place.url, (client) => client.query('DROP TABLE relay__events CASCADE; DROP TABLE kv'));
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 0 });
    expect(await postgresBytes(place.url)).toEqual(before);
  });
});

async function wholeTarget(url: string): Promise<unknown> {
  const control = await withClient(url, async (client) => {
    if (!(await databaseObjects(url)).includes('schema cutover')) return undefined;
    const { rows } = await client.query('SELECT run_id, mode, status, message FROM cutover.run ORDER BY 1');
    const { rows: authority } = await client.query('SELECT * FROM cutover.authority');
    return { rows, authority };
  });
  return { objects: await databaseObjects(url), rows: await postgresBytes(url), control };
}
