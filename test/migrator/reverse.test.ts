import { chmodSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/authority.ts';
import { fileStates } from '../support/file-states.ts';
import { environmentOf, migratePlace, type Place, runMigrator } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { fixtureData, temporaryDirectory } from '../support/relay-process.ts';
import { generateEvent, idOf, randomNumbers } from '../support/relay-source.ts';
import { changeTarget, handedOver, handOver, insertEvent, oldFiles, reversed, search } from '../support/reversed.ts';
import { scene } from '../support/scene.ts';
import { connectTo, onTarget } from '../support/signed-target.ts';
import { differences, postgresBytes, sqliteBytes, withClient } from '../support/table-bytes.ts';

const runOf = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query('SELECT * FROM cutover.run ORDER BY started_at DESC LIMIT 1');
    return rows[0];
  });

const lines = (result: { lines: { event: string; text?: string }[] }) =>
  result.lines.filter(({ event }) => event === 'message').map(({ text }) => text);

describe('the way back to SQLite', () => {
  it('brings events that were added, changed and deleted, doubled tags and settings, and keeps the old files', async () => {
    const place = await handedOver();
    const before = sqliteBytes(place.sqlitePath);
    await changeTarget(place.url);
    const result = await reversed(place, { CUTOVER_RUN_ID: 'back/0/0' });
    expect(result).toMatchObject({ code: 0, outcome: 'verified' });
    expect(await differences(place)).toEqual([]);
    expect(oldFiles(place)).toEqual([before]);
    expect(readdirSync(dirname(place.sqlitePath))).toEqual([expect.stringMatching(/^before-reverse-[\dT-]+Z$/), 'db']);
    const run = await runOf(place.url);
    const tags = sqliteBytes(place.sqlitePath).relay__event_tags?.length;
    expect(run).toMatchObject({
      run_id: 'back/0/0',
      mode: 'reverse',
      status: 'verified',
      message: null,
      manifest: {
        mode: 'reverse',
        source: { path: place.sqlitePath, files: [{ file: 'db', bytes: statSync(place.sqlitePath).size }] },
        tables: [
          { table: 'kv', kind: 'kv', rows: 4, inserted: 1, updated: 1, deleted: 1, kept: 0 },
          { table: 'relay__events', kind: 'events', rows: 27, inserted: 9, updated: 3, deleted: 2, kept: 0 },
          { table: 'relay__event_tags', kind: 'event_tags', rows: tags, updated: 0, kept: 0 },
        ],
      },
    });
    expect(lines(result)).toEqual(
      expect.arrayContaining([
        '  kv: source=4 dest=4 [OK]',
        '  relay__events: source=27 dest=27 [OK]',
        `  relay__event_tags: source=${tags} dest=${tags} [OK]`,
      ]),
    );
    expect(await onTarget(createHandler({ connect: connectTo(place.url) }))({ action: 'read' })).toMatchObject({
      holder: 'target',
      runId: 'cutover/0/0',
    });
  });

  it('brings what a real relay has written meanwhile into the file that a real relay left', async () => {
    const place = { sqlitePath: join(await fixtureData(), 'db'), url: (await freshDatabase()).url };
    const before = sqliteBytes(place.sqlitePath);
    await handOver(place);
    await withClient(place.url, async (client) => {
      await client.query(
        `INSERT INTO sphere_relay__events SELECT reverse(id), created_at, kind, pubkey, 'a word: Zwölftonmusik', tags, sig FROM sphere_relay__events ORDER BY id LIMIT 5`,
      );
      await client.query(
        `INSERT INTO sphere_relay__event_tags SELECT reverse(event_id), key, value FROM sphere_relay__event_tags WHERE reverse(event_id) IN (SELECT id FROM sphere_relay__events)`,
      );
      await client.query(
        'DELETE FROM sphere_relay__events WHERE id IN (SELECT id FROM sphere_relay__events ORDER BY id DESC LIMIT 5)',
      );
    });
    expect(await runMigrator(['reverse', '--allow-deletions'], environmentOf(place))).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /Connected to PostgreSQL\n.* {2}kv: source=17 dest=17 \[OK\]\n {2}sphere_relay__events: source=3902 dest=3902 \[OK\]\n.*Way back completed: SQLite holds everything that PostgreSQL holds\.\n$/s,
      ),
    });
    expect(await differences(place)).toEqual([]);
    expect(oldFiles(place)).toEqual([before]);
    expect(JSON.stringify(sqliteBytes(place.sqlitePath))).toContain(Buffer.from('Zwölftonmusik').toString('hex'));
  });

  it('lets the old relay find by full text what was written to PostgreSQL only, and no more what was deleted there', async () => {
    const place = await handedOver();
    const event = { ...generateEvent(randomNumbers(5)), content: 'a word: Zwölftonmusik' };
    event.id = idOf(event);
    const [gone] = await withClient(place.url, async (client) => {
      await insertEvent(client, event);
      const { rows } = await client.query("SELECT id FROM relay__events WHERE content ~ 'thread' ORDER BY id LIMIT 1");
      await client.query('DELETE FROM relay__events WHERE id = $1', [rows[0].id]);
      return [rows[0].id];
    });
    const found = await search(place.sqlitePath, 'thread');
    expect(found).toContain(gone);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(await search(place.sqlitePath, 'zwölftonmusik')).toEqual([event.id]);
    expect(await search(place.sqlitePath, 'thread')).toEqual(found.filter((id) => id !== gone));
  });

  it('brings rows of several megabytes and more rows than are fetched at once, each byte as it is', async () => {
    const place = await handedOver();
    await withClient(place.url, (client) =>
      client.query(`INSERT INTO kv SELECT 'key ' || n, repeat(E'größe\\\\N\t漢字🚀', n * CASE n % 100 WHEN 0 THEN 500 ELSE 1 END) FROM generate_series(10, 510) AS n;
        INSERT INTO kv VALUES ('', ''), (E'\\x01\r\n', E'\\x7f')`),
    );
    const result = await reversed(place);
    expect(result).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });

  it('leaves a file alone that is equal already, however often it runs', async () => {
    const place = await handedOver();
    const before = fileStates(dirname(place.sqlitePath));
    for (let count = 0; count < 2; count++) {
      const result = await reversed(place);
      expect(result).toMatchObject({ code: 0 });
      expect(lines(result)).toContain('SQLite holds what PostgreSQL holds already; the file is left alone.');
    }
    expect(fileStates(dirname(place.sqlitePath))).toEqual(before);
    await changeTarget(place.url);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    const after = fileStates(dirname(place.sqlitePath));
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(fileStates(dirname(place.sqlitePath))).toEqual(after);
  });

  it('goes twice when the new relay has worked on in between, deletions included', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    const between = sqliteBytes(place.sqlitePath);
    await withClient(place.url, (client) =>
      client.query('DELETE FROM relay__events WHERE id = (SELECT min(id) FROM relay__events)'),
    );
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    expect(oldFiles(place)[1]).toEqual(between);
  });

  it('makes kv in SQLite when only PostgreSQL has it, and the next cutover takes it over again', async () => {
    const place = await scene();
    const database = new Database(place.sqlitePath);
    database.exec('DROP TABLE kv');
    database.close();
    await handOver(place);
    await withClient(place.url, (client) =>
      client.query('CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL)'),
    );
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath)).not.toHaveProperty('kv');

    await withClient(place.url, (client) => client.query("INSERT INTO kv VALUES ('größe', '\t\\N')"));
    expect(await reversed(place, { CUTOVER_RUN_ID: 'back/0/0' })).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    const written = new Database(place.sqlitePath);
    expect(
      written.prepare("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'kv' AND sql IS NOT NULL").all(),
    ).toEqual([
      { name: 'kv', sql: 'CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL)' },
      { name: 'idx_kv_key', sql: 'CREATE INDEX idx_kv_key ON kv(key)' },
    ]);
    written.close();
    await onTarget(createHandler({ connect: connectTo(place.url) }))({ action: 'return', runId: 'back/0/0' });
    await handOver(place, 'cutover-2/0/0');
    expect(await differences(place)).toEqual([]);
  });

  it('builds a full-text index anew that does not agree with its events, even when no row differs', async () => {
    const place = await scene();
    const found = await search(place.sqlitePath, 'relay');
    expect(found.length).toBeGreaterThan(0);
    const harm = `INSERT INTO relay__events_fts (relay__events_fts) VALUES ('delete-all')`;
    const database = new Database(place.sqlitePath);
    database.exec(harm);
    database.close();
    expect(await search(place.sqlitePath, 'relay')).toEqual([]);
    await handOver(place);
    const result = await reversed(place);
    expect(result).toMatchObject({ code: 0 });
    expect(lines(result)).toContain(
      'The full-text index relay__events_fts does not agree with its events; it is built anew.',
    );
    expect(await search(place.sqlitePath, 'relay')).toEqual(found);
    expect(await differences(place)).toEqual([]);
  });

  it("gives the new file the old one's rights, and follows a symbolic link to it", async () => {
    const place = await handedOver();
    chmodSync(place.sqlitePath, 0o640);
    const link = join(await temporaryDirectory(), 'link');
    symlinkSync(place.sqlitePath, link);
    await changeTarget(place.url);
    expect(await reversed({ ...place, sqlitePath: link })).toMatchObject({ code: 0 });
    expect(statSync(place.sqlitePath).mode & 0o7777).toBe(0o640);
    expect(await differences(place)).toEqual([]);
    expect(oldFiles(place)).toHaveLength(1);
  });
});

describe('the way back is refused', () => {
  async function expectRefused(place: Place, message: unknown, more: NodeJS.ProcessEnv = {}): Promise<void> {
    const before = fileStates(dirname(place.sqlitePath));
    expect(await reversed(place, more)).toMatchObject({ code: 2, message });
    expect(fileStates(dirname(place.sqlitePath))).toEqual(before);
  }

  it('while the source holds authority, and where there was no cutover, without a record of it', async () => {
    const place = await scene();
    await expectRefused(
      place,
      'There is no schema "cutover" in the target: no cutover has taken place, and the SQLite file holds the truth. Nothing was changed.',
    );
    await migratePlace('load', place);
    const record = await runOf(place.url);
    await expectRefused(
      place,
      expect.stringMatching(
        /^Authority is with the source since \S+Z \(run manual\/\S+\): the SQLite file holds the truth, and there is nothing to bring back\. Nothing was changed\.$/,
      ),
    );
    expect(await runOf(place.url)).toEqual(record);
  });

  it('when the file is missing, and the record says why', async () => {
    const place = await handedOver();
    for (const name of ['db', 'db-wal', 'db-shm']) rmSync(join(dirname(place.sqlitePath), name));
    const message = `There is no SQLite file at ${place.sqlitePath}. Check SQLITE_PATH and the mount; nothing was created.`;
    await expectRefused(place, message, { CUTOVER_RUN_ID: 'back/0/0' });
    expect(await runOf(place.url)).toMatchObject({ run_id: 'back/0/0', mode: 'reverse', status: 'refused', message });
  });

  it('when PostgreSQL has rows in a table that SQLite has not', async () => {
    const place = await handedOver();
    await withClient(place.url, async (client) => {
      await client.query('CREATE TABLE more__events (LIKE relay__events)');
      await client.query('INSERT INTO more__events SELECT * FROM relay__events LIMIT 3');
      await client.query('CREATE TABLE empty__events (LIKE relay__events)');
    });
    const message =
      'PostgreSQL has tables that the SQLite file has not: "more__events" has 3 rows. Their rows would be lost on the way back, and nothing was changed. Create these tables in the SQLite file as the relay does, or drop them in PostgreSQL if their rows are not needed; then repeat.';
    await expectRefused(place, message);
    expect(await runOf(place.url)).toMatchObject({ mode: 'reverse', status: 'refused', message });
  });

  it('when it would delete more rows than is usual, unless that is allowed', async () => {
    const place = await handedOver();
    const ids = await withClient(place.url, async (client) => {
      await client.query('DELETE FROM relay__event_tags');
      const { rows } = await client.query(
        'DELETE FROM relay__events WHERE id IN (SELECT id FROM relay__events LIMIT 11) RETURNING id',
      );
      await client.query("INSERT INTO relay__event_tags SELECT min(id), 't', 'left' FROM relay__events");
      return rows.map(({ id }) => id as string);
    });
    const { relay__events: events = [], relay__event_tags: tags = [] } = sqliteBytes(place.sqlitePath);
    const result = await reversed(place);
    expect(result).toMatchObject({
      code: 2,
      message: expect.stringMatching(
        new RegExp(
          `^The way back would delete rows that SQLite has and PostgreSQL has not\\. Nothing was changed\\. If the new relay did delete them, repeat with --allow-deletions \\(or CUTOVER_ALLOW_DELETIONS=1\\); else look first where they went\\.\\n {2}11 of ${events.length} rows of "relay__events", where 10 would be usual:\\n( {4}"[0-9a-f]{64}"\\n){11} {2}${tags.length} of ${tags.length} rows of "relay__event_tags", where 10 would be usual:\\n( {4}"[0-9a-f]{64} .*"\\n){20} {4}and ${tags.length - 20} more$`,
        ),
      ),
    });
    for (const id of ids) expect(result.message).toContain(id);
    await expectRefused(place, result.message);
    expect(await reversed(place, { CUTOVER_ALLOW_DELETIONS: '1' })).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });

  it('when a table of PostgreSQL is empty, or gone, however few rows SQLite has in it', async () => {
    const place = await handedOver();
    await withClient(place.url, (client) => client.query("DELETE FROM kv WHERE key <> 'key 1'; DELETE FROM kv"));
    const message =
      'The way back would delete rows that SQLite has and PostgreSQL has not. Nothing was changed. If the new relay did delete them, repeat with --allow-deletions (or CUTOVER_ALLOW_DELETIONS=1); else look first where they went.\n  4 of 4 rows of "kv", which is empty in PostgreSQL:\n    "key 0"\n    "key 1"\n    "key 2"\n    "key in the WAL"';
    await expectRefused(place, message);
    await withClient(place.url, (client) => client.query('DROP TABLE kv'));
    await expectRefused(place, message);
    expect(await reversed(place, { CUTOVER_ALLOW_DELETIONS: '1' })).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath).kv).toEqual([]);
    expect((await postgresBytes(place.url)).kv).toBeUndefined();
    expect((await runOf(place.url)).manifest.tables[0]).toMatchObject({
      table: 'kv',
      rows: 0,
      deleted: 4,
      onlyInSource: true,
    });
  });

  it('does not take a row that comes back in another version for a deletion', async () => {
    const place = await handedOver();
    await withClient(place.url, (client) =>
      client.query("UPDATE relay__events SET content = 'Zwölftonmusik', sig = 'other'; UPDATE kv SET value = ''"),
    );
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    expect(await search(place.sqlitePath, 'zwölftonmusik')).toHaveLength(20);
    expect(await search(place.sqlitePath, 'thread')).toEqual([]);
  });
});
