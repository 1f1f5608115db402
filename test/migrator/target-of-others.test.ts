import Database from 'better-sqlite3';
import { describe, expect, inject, it } from 'vitest';
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
      client.query(`CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT); INSERT INTO kv VALUES ('a', 'b'), ('c', 'd');
        CREATE TABLE relay__events (id TEXT); INSERT INTO relay__events VALUES ('e')`),
    );
    const before = await wholeTarget(place.url);
    for (const mode of ['check', 'load']) {
      expect(await migratePlace(mode, place)).toMatchObject({
        code: 2,
        message:
          'The target holds rows that this source does not account for: "kv" has 2 rows; "relay__events" has 1 rows. Nothing was changed. Check DATABASE_URL; if the rows are not needed, drop these tables (and their rows of cutover.table_progress), then repeat.',
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
