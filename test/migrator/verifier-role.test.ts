import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { environmentOf, migrateHere } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { withClient } from '../support/table-bytes.ts';

describe('the role of the verification', () => {
  it('may read all and change nothing but authority', async () => {
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
      for (const sql of [
        "UPDATE kv SET value = ''",
        'DELETE FROM relay__events',
        "UPDATE cutover.run SET status = 'verified'",
        'DELETE FROM cutover.authority',
        'CREATE TABLE cutover.more (a int)',
      ]) {
        await expect(client.query(sql)).rejects.toThrow(/permission denied/);
      }
    });
  });
});
