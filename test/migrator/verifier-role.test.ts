import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, inject, it } from 'vitest';
import { withdrawRuns } from '../../migrator/authority.ts';
import { environmentOf, migrateHere } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { handOver, reversed } from '../support/reversed.ts';
import { withClient } from '../support/table-bytes.ts';

describe('the role of the verification', () => {
  it('may read all, change nothing but authority, and withdraw runs but not feign any', async () => {
    const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
    createRelaySource(place.sqlitePath, { events: 5 });
    const role = `verifier ${randomBytes(4).toString('hex')}`;
    const environment = { ...environmentOf(place), CUTOVER_VERIFIER_ROLE: role };
    expect(await migrateHere('load', environment)).toMatchObject({ code: 0 });
    expect(await migrateHere('reconcile', environment)).toMatchObject({ code: 0 });

    const admin = new URL(inject('postgresAdminUrl'));
    admin.pathname = new URL(place.url).pathname;
    await withClient(admin.href, async (client) => {
      await client.query(`SET ROLE "${role}"`);
      for (const table of ['kv', 'relay__events', 'relay__event_tags', 'cutover.run', 'cutover.table_progress'])
        await client.query(`SELECT * FROM ${table}`);
      await client.query("UPDATE cutover.authority SET holder = 'target'");
      await client.query("INSERT INTO cutover.run (run_id) VALUES ('back')");
      const { rows } = await client.query("SELECT mode, status FROM cutover.run WHERE run_id = 'back'");
      expect(rows).toEqual([{ mode: 'withdrawn', status: 'withdrawn' }]);
      for (const sql of [
        "UPDATE kv SET value = ''",
        'DELETE FROM relay__events',
        "UPDATE cutover.run SET status = 'verified'",
        "INSERT INTO cutover.run (run_id, status) VALUES ('feigned', 'verified')",
        "INSERT INTO cutover.run (run_id, mode) VALUES ('feigned', 'reconcile')",
        "INSERT INTO cutover.run (run_id, started_at) VALUES ('feigned', 'infinity')",
        "INSERT INTO cutover.run (run_id, manifest) VALUES ('feigned', '{}')",
        "INSERT INTO cutover.run (run_id) VALUES ('feigned') ON CONFLICT (run_id) DO UPDATE SET status = 'verified'",
        'DELETE FROM cutover.run',
        "INSERT INTO cutover.written_file VALUES ('db', 1, '', 0, '')",
        'DELETE FROM cutover.authority',
        'CREATE TABLE cutover.more (a int)',
      ]) {
        await expect(client.query(sql)).rejects.toThrow(/permission denied/);
      }
    });
  });

  it('reads why a first load was refused while it copied', async () => {
    const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
    createRelaySource(place.sqlitePath, { events: 5 });
    const database = new Database(place.sqlitePath);
    database.exec("UPDATE relay__events SET content = 'altered' WHERE rowid = 3");
    database.close();
    const role = `verifier ${randomBytes(4).toString('hex')}`;
    expect(await migrateHere('load', { ...environmentOf(place), CUTOVER_VERIFIER_ROLE: role })).toMatchObject({
      code: 2,
    });
    const admin = new URL(inject('postgresAdminUrl'));
    admin.pathname = new URL(place.url).pathname;
    await withClient(admin.href, async (client) => {
      await client.query(`SET ROLE "${role}"`);
      const { rows } = await client.query('SELECT status, message FROM cutover.run');
      expect(rows).toEqual([{ status: 'refused', message: expect.stringContaining('rowid 3, column "id"') }]);
    });
  });

  it('gets these rights over a schema that an earlier version has made too, whose runs stay', async () => {
    const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
    createRelaySource(place.sqlitePath, { events: 5 });
    await migrateHere('load', { ...environmentOf(place), CUTOVER_RUN_ID: 'early' });
    await withClient(place.url, (client) =>
      client.query(`ALTER TABLE cutover.run ALTER COLUMN mode DROP DEFAULT, ALTER COLUMN status DROP DEFAULT,
        DROP CONSTRAINT run_status_check, ADD CHECK (status IN ('running', 'verified', 'failed', 'refused'));
        DROP TABLE cutover.written_file`),
    );
    const environment = {
      ...environmentOf(place),
      CUTOVER_VERIFIER_ROLE: `verifier ${randomBytes(4).toString('hex')}`,
    };
    for (const mode of ['reconcile', 'reconcile'])
      expect(await migrateHere(mode, environment)).toMatchObject({ code: 0 });
    await withClient(place.url, async (client) => {
      await withdrawRuns(client, 'back');
      const { rows } = await client.query('SELECT mode, status FROM cutover.run ORDER BY started_at');
      expect(rows).toEqual([
        { mode: 'load', status: 'verified' },
        { mode: 'reconcile', status: 'verified' },
        { mode: 'reconcile', status: 'verified' },
        { mode: 'withdrawn', status: 'withdrawn' },
      ]);
      await expect(client.query("UPDATE cutover.run SET status = 'other'")).rejects.toThrow(/run_status_check/);
    });
  });

  it('may read a table that the new relay has made, once a reverse has brought it back', async () => {
    const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
    createRelaySource(place.sqlitePath, { events: 5 });
    const database = new Database(place.sqlitePath);
    database.exec('DROP TABLE kv');
    database.close();
    await handOver(place);
    await withClient(place.url, (client) =>
      client.query(`CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL); INSERT INTO kv VALUES ('a', 'b')`),
    );
    const role = `verifier ${randomBytes(4).toString('hex')}`;
    expect(await reversed(place, { CUTOVER_VERIFIER_ROLE: role })).toMatchObject({ code: 0 });
    const admin = new URL(inject('postgresAdminUrl'));
    admin.pathname = new URL(place.url).pathname;
    await withClient(admin.href, async (client) => {
      await client.query(`SET ROLE "${role}"`);
      expect((await client.query('SELECT * FROM kv')).rows).toEqual([{ key: 'a', value: 'b' }]);
    });
  });
});
