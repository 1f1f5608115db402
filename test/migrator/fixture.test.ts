import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileStates } from '../support/file-states.ts';
import { environmentOf, migratePlace, runMigrateCommand, runMigrator } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { fixtureData, temporaryDirectory } from '../support/relay-process.ts';
import { differences, postgresBytes, sqliteBytes, withClient } from '../support/table-bytes.ts';

const CLOSING_LINES = `  kv: source=17 dest=17 [OK]
  sphere_relay__events: source=3902 dest=3902 [OK]
  sphere_relay__event_tags: source=11292 dest=11292 [OK]
`;

describe('the data of a real, killed relay', () => {
  it('is equal in every byte after load, reconcile and verify, and no mode changes the source', async () => {
    const directory = await fixtureData();
    const scratch = await temporaryDirectory();
    const { url, password } = await freshDatabase();
    const sqlitePath = join(directory, 'db');
    const before = fileStates(directory);
    const expected = sqliteBytes(sqlitePath);
    expect(Object.fromEntries(Object.entries(expected).map(([name, rows]) => [name, rows.length]))).toEqual({
      kv: 17,
      sphere_relay__event_tags: 11_292,
      sphere_relay__events: 3_902,
    });

    for (const mode of ['check', 'load', 'reconcile', 'verify', 'load']) {
      const run = await runMigrateCommand([mode], environmentOf({ sqlitePath, url }, scratch));
      expect(run).toMatchObject({ code: 0, stderr: '' });
      if (mode !== 'check') expect(run.stdout).toContain(CLOSING_LINES);
      expect(run.stdout).not.toContain(password);
      expect(fileStates(directory)).toEqual(before);
      expect(fileStates(scratch)).toEqual([]);
      if (mode !== 'check') expect(await differences({ sqlitePath, url })).toEqual([]);
    }
  });

  it('goes over whole from the scratch copy where immutable=1, or a copy without db-wal, loses a row and the table kv', async () => {
    const directory = await fixtureData();
    const bare = await temporaryDirectory();
    copyFileSync(join(directory, 'db'), join(bare, 'db'));
    const place = { sqlitePath: join(bare, 'db'), url: (await freshDatabase()).url };
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    const lost = await postgresBytes(place.url);
    expect(lost.sphere_relay__events).toHaveLength(3_901);
    expect(lost).not.toHaveProperty('kv');

    const whole = { ...place, sqlitePath: join(directory, 'db') };
    expect(await migratePlace('reconcile', whole)).toMatchObject({ code: 0 });
    expect(await differences(whole)).toEqual([]);
  });

  it('gets its WAL from beside the real file when SQLITE_PATH is a symbolic link', async () => {
    const directory = await fixtureData();
    const links = await temporaryDirectory();
    symlinkSync(join(directory, 'db'), join(links, 'db'));
    const place = { sqlitePath: join(links, 'db'), url: (await freshDatabase()).url };
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    expect((await postgresBytes(place.url)).sphere_relay__events).toHaveLength(3_902);
  });

  it('gives the PostgreSQL relay exactly the indexes, keys, function, triggers and types that it expects', async () => {
    const place = { sqlitePath: join(await fixtureData(), 'db'), url: (await freshDatabase()).url };
    await migratePlace('load', place);
    const objects = await withClient(place.url, async (client) => {
      const all = async (sql: string): Promise<string[]> => (await client.query(sql)).rows.map((row) => row.text);
      return {
        columns:
          await all(`SELECT format('%s.%s %s%s', table_name, column_name, data_type, CASE is_nullable WHEN 'NO' THEN ' NOT NULL' END) AS text
          FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name COLLATE "C", ordinal_position`),
        indexes: await all(
          `SELECT regexp_replace(indexdef, '^CREATE ', '') AS text FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname COLLATE "C"`,
        ),
        constraints: await all(
          `SELECT format('%s: %s', conname, pg_get_constraintdef(oid)) AS text FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY conname COLLATE "C"`,
        ),
        functions: await all(
          `SELECT format('%s %s: %s', proname, l.lanname, trim(regexp_replace(prosrc, '\\s+', ' ', 'g'))) AS text FROM pg_proc JOIN pg_language l ON l.oid = prolang WHERE pronamespace = 'public'::regnamespace`,
        ),
        triggers: await all(
          `SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text AS text FROM pg_trigger WHERE NOT tgisinternal`,
        ),
        schemas: await all(
          `SELECT nspname AS text FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1`,
        ),
        searchVectors: await all(
          `SELECT count(*) FILTER (WHERE search_vector = to_tsvector('english', content)) || ' of ' || count(*) AS text FROM sphere_relay__events`,
        ),
      };
    });
    expect(objects).toEqual({
      columns: [
        'kv.key text NOT NULL',
        'kv.value text NOT NULL',
        'sphere_relay__event_tags.event_id text NOT NULL',
        'sphere_relay__event_tags.key text NOT NULL',
        'sphere_relay__event_tags.value text NOT NULL',
        'sphere_relay__events.id text NOT NULL',
        'sphere_relay__events.created_at bigint NOT NULL',
        'sphere_relay__events.kind integer NOT NULL',
        'sphere_relay__events.pubkey text NOT NULL',
        'sphere_relay__events.content text NOT NULL',
        'sphere_relay__events.tags text NOT NULL',
        'sphere_relay__events.sig text NOT NULL',
        'sphere_relay__events.search_vector tsvector',
      ],
      indexes: [
        'INDEX idx_kv_key ON public.kv USING btree (key)',
        'UNIQUE INDEX kv_pkey ON public.kv USING btree (key)',
        'INDEX sphere_relay__idx_event_tags_event_id ON public.sphere_relay__event_tags USING btree (event_id)',
        'INDEX sphere_relay__idx_event_tags_key ON public.sphere_relay__event_tags USING btree (key)',
        'INDEX sphere_relay__idx_event_tags_key_value ON public.sphere_relay__event_tags USING btree (key, value)',
        'UNIQUE INDEX sphere_relay__events_pkey ON public.sphere_relay__events USING btree (id)',
        'INDEX sphere_relay__idx_events_created_at ON public.sphere_relay__events USING btree (created_at)',
        'INDEX sphere_relay__idx_events_kind ON public.sphere_relay__events USING btree (kind)',
        'INDEX sphere_relay__idx_events_kind_pubkey ON public.sphere_relay__events USING btree (kind, pubkey)',
        'INDEX sphere_relay__idx_events_kind_pubkey_created_at ON public.sphere_relay__events USING btree (kind, pubkey, created_at DESC)',
        'INDEX sphere_relay__idx_events_pubkey ON public.sphere_relay__events USING btree (pubkey)',
        'INDEX sphere_relay__idx_events_search ON public.sphere_relay__events USING gin (search_vector)',
      ].sort((a, b) => {
        const name = (definition: string): string => /INDEX (\S+)/.exec(definition)?.[1] ?? '';
        return name(a) < name(b) ? -1 : 1;
      }),
      constraints: [
        'kv_pkey: PRIMARY KEY (key)',
        'sphere_relay__event_tags_event_id_fkey: FOREIGN KEY (event_id) REFERENCES sphere_relay__events(id) ON DELETE CASCADE',
        'sphere_relay__events_pkey: PRIMARY KEY (id)',
      ],
      functions: [
        "sphere_relay_update_search_vector plpgsql: BEGIN NEW.search_vector := to_tsvector('english', coalesce(NEW.content, '')); RETURN NEW; END",
      ],
      triggers: [
        'CREATE TRIGGER sphere_relay_events_search_update BEFORE INSERT OR UPDATE ON public.sphere_relay__events FOR EACH ROW EXECUTE FUNCTION sphere_relay_update_search_vector() O',
      ],
      schemas: ['cutover', 'public'],
      searchVectors: ['3902 of 3902'],
    });
  });

  it('is told as JSON lines that end with the result', async () => {
    const directory = await fixtureData();
    const { url } = await freshDatabase();
    const run = await runMigrator(['load', '--json'], {
      ...environmentOf({ sqlitePath: join(directory, 'db'), url }),
      CUTOVER_RUN_ID: 'execution/1/2',
    });
    const lines = run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { manifest, ...result } = lines.at(-1);
    expect(result).toEqual({
      time: expect.any(String),
      event: 'result',
      outcome: 'verified',
      peakMemoryMebibytes: expect.any(Number),
    });
    expect(result.peakMemoryMebibytes).toBeLessThan(200);
    expect(manifest).toMatchObject({
      runId: 'execution/1/2',
      mode: 'load',
      source: {
        path: join(directory, 'db'),
        files: [
          { file: 'db', bytes: 8_372_224 },
          { file: 'db-wal', bytes: 4_190_072 },
        ],
      },
      tables: [
        { table: 'kv', rows: 17, copied: 17 },
        { table: 'sphere_relay__events', rows: 3_902, copied: 3_902 },
        { table: 'sphere_relay__event_tags', rows: 11_292, copied: 11_292 },
      ],
    });
    const stored = await withClient(url, (client) => client.query('SELECT * FROM cutover.run'));
    expect(stored.rows).toMatchObject([
      { run_id: 'execution/1/2', mode: 'load', status: 'verified', message: null, manifest },
    ]);
  });
});
