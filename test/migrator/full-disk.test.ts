import Database from 'better-sqlite3';
import { describe, expect, inject, it } from 'vitest';
import { migratePlace } from '../support/migrator.ts';
import { scene } from '../support/scene.ts';
import { databaseObjects, differences, postgresBytes, withClient } from '../support/table-bytes.ts';

const MESSAGE =
  /^PostgreSQL refused: could not extend file "base\/1\/2": No space left on device\. The disk of the server is full\. Give it more storage \(RDS: AllocatedStorage\), then repeat: what was committed counts, nothing stands half done\.$/;

/** The words and the code of a server whose disk is full. */
const FULL = `RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file "base/1/2": No space left on device'`;

/**
 * Stands in for a full disk: at the n-th statement of a kind the server says what it says then. An event trigger takes a
 * superuser, and is in nobody's way.
 */
async function fillDisk(url: string, at: { tag: string; table: string; row?: number }): Promise<() => Promise<void>> {
  const admin = new URL(inject('postgresAdminUrl'));
  admin.pathname = new URL(url).pathname;
  const harm =
    at.row === undefined
      ? FULL
      : `EXECUTE 'CREATE TRIGGER full_disk BEFORE INSERT ON ${at.table} FOR EACH ROW EXECUTE FUNCTION disk.full_at_row()'`;
  await withClient(admin.href, (client) =>
    client.query(`
      CREATE SCHEMA disk; GRANT USAGE ON SCHEMA disk TO PUBLIC; CREATE SEQUENCE disk.rows; GRANT ALL ON SEQUENCE disk.rows TO PUBLIC;
      CREATE FUNCTION disk.full_at_row() RETURNS trigger AS $$ BEGIN
        IF nextval('disk.rows') >= ${at.row ?? 0} THEN ${FULL}; END IF; RETURN NEW; END $$ LANGUAGE plpgsql;
      CREATE FUNCTION disk.full_at_statement() RETURNS event_trigger AS $$ BEGIN
        IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE command_tag = '${at.tag}' AND object_identity = 'public.${at.table}') THEN ${harm}; END IF;
      END $$ LANGUAGE plpgsql;
      CREATE EVENT TRIGGER full_disk ON ddl_command_end EXECUTE FUNCTION disk.full_at_statement()`),
  );
  return () => withClient(admin.href, async (client) => void (await client.query('DROP SCHEMA disk CASCADE')));
}

describe('a server whose disk is full', () => {
  it.each([
    { tag: 'CREATE TABLE', table: 'kv' },
    { tag: 'CREATE TABLE', table: 'relay__event_tags', row: 7 },
    { tag: 'CREATE TABLE AS', table: 'relay__events' },
    { tag: 'CREATE INDEX', table: 'relay__idx_events_search' },
    { tag: 'ALTER TABLE', table: 'relay__event_tags' },
  ])(
    'fails the load at $tag $table with what to do, leaves nothing half done, and the next one ends equal',
    async (at) => {
      const place = await scene();
      const makeRoom = await fillDisk(place.url, at);
      expect(await migratePlace('load', place)).toMatchObject({ code: 1, message: expect.stringMatching(MESSAGE) });
      const { rows } = await withClient(place.url, (client) => client.query('SELECT status, message FROM cutover.run'));
      expect(rows).toMatchObject([{ status: 'failed', message: expect.stringMatching(MESSAGE) }]);
      const objects = await databaseObjects(place.url);
      if (at.tag.startsWith('CREATE TABLE')) expect(objects).not.toContain(`relation public.${at.table}`);
      await makeRoom();
      expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
      expect(await differences(place)).toEqual([]);
    },
  );

  it('fails a reconcile that changes nothing then, and may be repeated', async () => {
    const place = await scene();
    await migratePlace('load', place);
    const before = await postgresBytes(place.url);
    const database = new Database(place.sqlitePath);
    database.exec("DELETE FROM kv WHERE key = 'key 0'; INSERT INTO kv VALUES ('new', '')");
    database.close();
    await withClient(place.url, (client) =>
      client.query(`CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN ${FULL}; END $$ LANGUAGE plpgsql;
        CREATE TRIGGER full_disk BEFORE INSERT ON kv FOR EACH ROW EXECUTE FUNCTION full_disk()`),
    );
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 1, message: expect.stringMatching(MESSAGE) });
    expect(await postgresBytes(place.url)).toEqual(before);
    await withClient(place.url, (client) => client.query('DROP FUNCTION full_disk CASCADE'));
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });
});
