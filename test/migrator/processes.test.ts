import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '../../migrator/configuration.ts';
import { run } from '../../migrator/run.ts';
import { fileStates } from '../support/file-states.ts';
import { environmentOf, migratePlace, runMigrator, startMigrator } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { differences, withClient } from '../support/table-bytes.ts';

async function newSource(events: number): Promise<string> {
  const sqlitePath = join(await temporaryDirectory(), 'db');
  createRelaySource(sqlitePath, { events, fullText: false });
  return sqlitePath;
}

describe('two migrators at once on one target', () => {
  it('work one after the other, and the result is right', async () => {
    const place = { sqlitePath: await newSource(3_000), url: (await freshDatabase()).url };
    const runs = await Promise.all(['load', 'load'].map((mode) => runMigrator([mode], environmentOf(place))));
    for (const run of runs) expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(await differences(place)).toEqual([]);
    const { rows } = await withClient(place.url, (client) =>
      client.query(
        'SELECT count(*)::int AS runs FROM cutover.run AS one WHERE NOT EXISTS (SELECT FROM cutover.run AS other WHERE other.run_id <> one.run_id AND other.started_at < one.finished_at AND one.started_at < other.finished_at)',
      ),
    );
    expect(rows).toEqual([{ runs: 2 }]);
  });

  it('do not trip over an index or a key that the server still builds for a run that was killed', async () => {
    const place = { sqlitePath: await newSource(50), url: (await freshDatabase()).url };
    await migratePlace('load', place);
    await withClient(place.url, async (client) => {
      const drop = ['relay__event_tags DROP CONSTRAINT relay__event_tags_event_id_fkey', 'kv DROP CONSTRAINT kv_pkey'];
      for (const change of drop) await client.query(`ALTER TABLE ${change}`);
      await client.query('DROP INDEX relay__idx_events_kind');
      await client.query('BEGIN');
      await client.query('ALTER TABLE kv ADD CONSTRAINT kv_pkey PRIMARY KEY (key)');
      await client.query('CREATE INDEX relay__idx_events_kind ON relay__events (kind)');
      const load = migratePlace('load', place);
      const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
      await withClient(place.url, async (watcher) => {
        while (((await watcher.query(waiting)).rowCount ?? 0) < 2) await new Promise(setImmediate);
      });
      await client.query('COMMIT');
      expect(await load).toMatchObject({ code: 0 });
    });
    expect(await differences(place)).toEqual([]);
  });
});

describe('a migrator that is told to end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'ends by %s in the middle of a load with exit code %i and leaves no scratch copy',
    async (signal, code) => {
      const place = { sqlitePath: await newSource(8_000), url: (await freshDatabase()).url };
      const scratch = await temporaryDirectory();
      const migrator = startMigrator(['load'], environmentOf(place, scratch));
      await migrator.line('Migrating relay__events');
      expect(fileStates(scratch)).toHaveLength(1);
      migrator.kill(signal);
      expect(await migrator.ended).toMatchObject({ code, stderr: '' });
      expect(fileStates(scratch)).toEqual([]);
      expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
      expect(await differences(place)).toEqual([]);
    },
  );

  it('hears it in every mode while it walks over a table of the source', async () => {
    const place = { sqlitePath: await newSource(5_000), url: (await freshDatabase()).url };
    for (const mode of ['check', 'load', 'reconcile']) {
      const breaks: Record<string, number> = {};
      await run(parseConfiguration(mode, environmentOf(place)), {
        say() {},
        finding() {},
        moment() {},
        rows(verb, table) {
          let count = 0;
          const next = (): void => {
            count++;
            timer = setImmediate(next);
          };
          let timer = setImmediate(next);
          return {
            add() {},
            end() {
              clearImmediate(timer);
              breaks[`${verb} ${table}`] = count;
            },
          };
        },
      });
      const walks = Object.entries(breaks).filter(([walk]) => walk.endsWith('relay__events'));
      expect(walks.length).toBeGreaterThan(0);
      for (const [walk, count] of walks) expect({ walk, count }).not.toEqual({ walk, count: 0 });
    }
  });

  it('says that the server ended its connection, and goes on when it is run again', async () => {
    const place = { sqlitePath: await newSource(8_000), url: (await freshDatabase()).url };
    const migrator = startMigrator(['load'], environmentOf(place));
    await migrator.line('Migrating relay__events');
    await withClient(place.url, (client) =>
      client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay-cutover migrate' AND datname = current_database()`,
      ),
    );
    expect(await migrator.ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^Failed: PostgreSQL refused: the connection was lost \(.+\)\. Nothing that was not committed counts; repeat\.\n$/,
      ),
    });
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });
});

describe('the password', () => {
  it('appears in no output of any run that succeeds or fails, and in no row of schema cutover', async () => {
    const sqlitePath = await newSource(50);
    const { url, password } = await freshDatabase();
    const place = { sqlitePath, url };
    const outputs: string[] = [];
    const expectExit = async (
      mode: string,
      expected: number,
      environment: NodeJS.ProcessEnv = environmentOf(place),
    ): Promise<void> => {
      const json = outputs.length % 4 === 2;
      const { code, stdout, stderr } = await runMigrator([mode, ...(json ? ['--json'] : [])], environment);
      expect({ mode, code, stdout, stderr }).toMatchObject({ mode, code: expected });
      if (json) for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toBeTypeOf('object');
      outputs.push(stdout, stderr);
    };
    await expectExit('reconcile', 2);
    await expectExit('load', 0);
    await expectExit('reconcile', 0);
    await withClient(url, (client) => client.query("UPDATE kv SET value = 'harmed' WHERE key = 'key 0'"));
    await expectExit('verify', 1);
    await expectExit('nonsense', 2);
    for (const wrong of [
      `${url}?sslmode=nonsense`,
      url.replace('postgres:', 'mysql:'),
      url.replace('@', '@@ '),
      url.replace(/\/[^/]*$/, ''),
    ])
      await expectExit('load', 2, environmentOf({ sqlitePath, url: wrong }));
    const database = new Database(sqlitePath);
    database.exec("INSERT INTO kv VALUES (x'00', '')");
    database.close();
    await expectExit('reconcile', 2);
    await withClient(url, (client) => client.query("UPDATE cutover.authority SET holder = 'target'"));
    await expectExit('load', 2);
    const control = await withClient(url, async (client) =>
      JSON.stringify([
        (await client.query('SELECT * FROM cutover.run')).rows,
        (await client.query('SELECT * FROM cutover.authority')).rows,
        (await client.query('SELECT * FROM cutover.table_progress')).rows,
      ]),
    );
    expect(control).toContain('refused');
    expect([...outputs, control].filter((text) => text.includes(password))).toEqual([]);
  });
});
