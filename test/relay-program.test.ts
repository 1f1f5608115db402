import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type NostrEvent, verifyEvent } from 'nostr-tools/pure';
import { describe, expect, it } from 'vitest';
import * as support from './support/relay-process.ts';
import { newStore, note, selectFrom } from './support/relay-rows.ts';

const { ADMIN_KEY, RELAY_HOST, RELAY_SECRET } = support;

describe('the stand-in relay on a real SQLite directory', () => {
  it('serves the 3,902 events, all valid, and adds no full-text search to them', async () => {
    const directory = await support.fixtureData();
    const client = await support.clientOf(await support.startRelay('sqlite', { DATA: directory }), ADMIN_KEY);
    const seen = new Map<string, NostrEvent>();
    let until: number | undefined;
    for (let size = -1; size < seen.size; ) {
      size = seen.size;
      const page = (await client.query(until === undefined ? {} : { until })) as NostrEvent[];
      for (const event of page) seen.set(event.id, event);
      until = page.at(-1)?.created_at;
    }
    expect(seen.size).toBe(3_902);
    expect([...seen.values()].slice(0, 300).every((event) => verifyEvent(event))).toBe(true);

    const rows = (sql: string) => selectFrom(join(directory, 'db'), sql);
    expect(rows('SELECT count(*) AS n FROM sphere_relay__events')).toEqual([{ n: 3_902 }]);
    expect(rows('SELECT count(*) AS n FROM sphere_relay__event_tags')).toEqual([{ n: 11_292 }]);
    expect(rows('SELECT count(*) AS n FROM kv')).toEqual([{ n: 17 }]);
    expect(rows(`SELECT name FROM sqlite_master WHERE name LIKE '%fts%' OR type = 'trigger'`)).toEqual([]);
  });

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])('leaves committed rows in db-wal after %s', async (signal) => {
    const directory = await support.fixtureData();
    const relay = await support.startRelay('sqlite', { DATA: directory });
    const event = note(ADMIN_KEY);
    await (await support.clientOf(relay, ADMIN_KEY)).publish(event);
    expect(await relay.stop(signal)).toBe(signal === 'SIGTERM' ? 0 : null);

    const count = `SELECT count(*) AS n FROM sphere_relay__events WHERE id = '${event.id}'`;
    const withoutWal = await support.temporaryDirectory();
    await copyFile(join(directory, 'db'), join(withoutWal, 'db'));
    expect(selectFrom(join(withoutWal, 'db'), count)).toEqual([{ n: 0 }]);
    expect(selectFrom(join(directory, 'db'), count)).toEqual([{ n: 1 }]);
  });

  it('replaces an admin list that is dated after its own clock', async () => {
    const directory = await support.temporaryDirectory();
    const lists = () =>
      selectFrom(join(directory, 'db'), 'SELECT id, created_at FROM sphere_relay__events WHERE kind = 13534');
    const relay = await support.startRelay('sqlite', { DATA: directory });
    await relay.stop();
    const database = new Database(join(directory, 'db'));
    database.exec('UPDATE sphere_relay__events SET created_at = 4000000000');
    database.close();
    const [before] = lists();

    await support.startRelay('sqlite', { DATA: directory });
    expect(lists()).toEqual([{ id: expect.any(String), created_at: 4_000_000_001 }]);
    expect(lists()[0]?.id).not.toBe(before?.id);
  });

  it('keeps a full-text index over a new database, through replacement and deletion', async () => {
    const { environment, select } = await newStore('sqlite');
    const client = await support.clientOf(await support.startRelay('sqlite', environment), ADMIN_KEY);
    const found = () =>
      select(`SELECT rowid FROM sphere_relay__events_fts WHERE sphere_relay__events_fts MATCH 'needle'`);
    const event = note(ADMIN_KEY, { content: 'a needle in the hay' });
    await client.publish(event);
    expect(await found()).toHaveLength(1);
    await client.publish(note(ADMIN_KEY, { kind: 5, tags: [['e', event.id]] }));
    expect(await found()).toEqual([]);
    const shadows = await select(
      `SELECT name FROM sqlite_master WHERE name LIKE 'sphere_relay__events_%' ORDER BY name`,
    );
    expect(shadows.map(({ name }) => String(name).replace('sphere_relay__events_', ''))).toEqual([
      'ad',
      'ai',
      'au',
      'fts',
      'fts_config',
      'fts_data',
      'fts_docsize',
      'fts_idx',
    ]);
  });
});

describe('the stand-in relay on PostgreSQL', () => {
  it('fills search_vector by its trigger, indexes it by GIN and cascades deletions', async () => {
    const { environment, select } = await newStore('postgres');
    const client = await support.clientOf(await support.startRelay('postgres', environment), ADMIN_KEY);
    await client.publish(note(ADMIN_KEY, { content: 'running needles' }));
    expect(await select(`SELECT search_vector::text AS v FROM sphere_relay__events WHERE kind = 1`)).toEqual([
      { v: `'needl':2 'run':1` },
    ]);
    expect(await select(`SELECT indexdef FROM pg_indexes WHERE indexname = 'sphere_relay__idx_events_search'`)).toEqual(
      [
        {
          indexdef:
            'CREATE INDEX sphere_relay__idx_events_search ON public.sphere_relay__events USING gin (search_vector)',
        },
      ],
    );
    expect(
      await select(
        `SELECT confdeltype FROM pg_constraint WHERE contype = 'f' AND conrelid = 'sphere_relay__event_tags'::regclass`,
      ),
    ).toEqual([{ confdeltype: 'c' }]);
    expect(
      await select(`SELECT tgname, pg_get_functiondef(tgfoid) LIKE '%sphere_relay_update_search_vector()%' AS ours
        FROM pg_trigger WHERE NOT tgisinternal`),
    ).toEqual([{ tgname: 'sphere_relay_events_search_update', ours: true }]);
  });

  it('answers an event that PostgreSQL cannot hold with an error and goes on', async () => {
    const { environment } = await newStore('postgres');
    const client = await support.clientOf(await support.startRelay('postgres', environment), ADMIN_KEY);
    expect(await client.publish(note(ADMIN_KEY, { content: 'a\u0000b' }))).toEqual({
      accepted: false,
      message: 'error: the relay could not do it: invalid byte sequence for encoding "UTF8": 0x00',
    });
    expect((await client.publish(note(ADMIN_KEY))).accepted).toBe(true);
  });
});

describe("the stand-in relay's settings", () => {
  const complete = { PORT: '0', RELAY_HOST, RELAY_SECRET };

  it('refuses to start without them, naming all that is missing at once', async () => {
    expect(await support.runRelay(['--store', 'sqlite'], { DATABASE_URL: 'postgres://127.0.0.1/x' })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'The relay does not start: PORT is not set; expected a TCP port from 0 to 65535. ' +
        'RELAY_HOST is not set; expected the host name that clients use, such as relay.example.com. ' +
        'RELAY_SECRET is not set; expected 64 lower-case hexadecimal digits. ' +
        'DATA is not set; expected an existing directory, in which the file "db" is or will be.\n',
    });
  });

  it('refuses invalid ones without repeating a secret', async () => {
    const environment = {
      ...complete,
      PORT: '65536',
      RELAY_SECRET: 'hunter2',
      DATABASE_URL: 'mysql://u:hunter2@h/d',
      DATA: '/',
    };
    expect(await support.runRelay(['--store', 'postgres'], { ...environment, ADMIN_PUBKEYS: 'me' })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'The relay does not start: PORT is "65536"; expected a TCP port from 0 to 65535. ' +
        'RELAY_SECRET has another form; expected 64 lower-case hexadecimal digits. ' +
        'ADMIN_PUBKEYS is "me"; expected public keys of 64 lower-case hexadecimal digits, separated by commas. ' +
        'DATABASE_URL has another form; expected postgres://user:password@host:port/database.\n',
    });
  });

  it('refuses an unknown store', async () => {
    expect(await support.runRelay(['--store', 'mysql'], complete)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'The relay does not start: expected --store sqlite or --store postgres.\n',
    });
  });

  it('ends with 1 when the database is not reached', async () => {
    const DATABASE_URL = 'postgres://someone:hunter2@127.0.0.1:1/x';
    expect(await support.runRelay(['--store', 'postgres'], { ...complete, DATABASE_URL })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'The relay does not start: connect ECONNREFUSED 127.0.0.1:1\n',
    });
  });
});
