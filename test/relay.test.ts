import { request } from 'node:http';
import type { Filter } from 'nostr-tools/filter';
import { makeAuthEvent } from 'nostr-tools/nip42';
import { finalizeEvent, generateSecretKey, getPublicKey, type NostrEvent } from 'nostr-tools/pure';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { StoreKind } from '../rehearsal/relay/settings.ts';
import * as support from './support/relay-process.ts';
import { newStore, note } from './support/relay-rows.ts';

const { ADMIN_KEY, ADMIN_PUBKEY, RELAY_HOST, RELAY_PUBKEY } = support;
const INDEXES = [
  'idx_kv_key',
  'sphere_relay__idx_event_tags_event_id',
  'sphere_relay__idx_event_tags_key',
  'sphere_relay__idx_event_tags_key_value',
  'sphere_relay__idx_events_created_at',
  'sphere_relay__idx_events_kind',
  'sphere_relay__idx_events_kind_pubkey',
  'sphere_relay__idx_events_kind_pubkey_created_at',
  'sphere_relay__idx_events_pubkey',
];

/** A connection without the client, to see each frame; `next` gives the frames in their order. */
async function rawConnection(url: string): Promise<{ send(frame: unknown): void; next(): Promise<unknown[]> }> {
  const socket = new WebSocket(url, { headers: { Host: RELAY_HOST } });
  onTestFinished(() => socket.terminate());
  const frames: unknown[][] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()));
    wake();
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    async next() {
      while (frames.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return frames.shift() as unknown[];
    },
  };
}

async function rawSignedIn(url: string, secretKey: Uint8Array) {
  const connection = await rawConnection(url);
  const [, challenge] = await connection.next();
  connection.send(['AUTH', finalizeEvent(makeAuthEvent(`wss://${RELAY_HOST}`, String(challenge)), secretKey)]);
  expect(await connection.next()).toEqual(['OK', expect.any(String), true, '']);
  return connection;
}

describe.each<StoreKind>(['sqlite', 'postgres'])('the stand-in relay on %s', (kind) => {
  it('creates its tables and indexes and writes its admin list', async () => {
    const { environment, select } = await newStore(kind);
    await support.startRelay(kind, environment);
    const names =
      kind === 'sqlite'
        ? await select(`SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`)
        : await select(`SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public'
            AND indexname LIKE '%idx%' AND indexname <> 'sphere_relay__idx_events_search' ORDER BY indexname COLLATE "C"`);
    expect(names.map(({ name }) => name)).toEqual(INDEXES);
    const [row] = await select('SELECT kind, pubkey, content, tags FROM sphere_relay__events');
    expect(row).toEqual({
      kind: 13_534,
      pubkey: RELAY_PUBKEY,
      content: '',
      tags: JSON.stringify([['-'], ['member', RELAY_PUBKEY], ['member', ADMIN_PUBKEY]]),
    });
  });

  it('replaces its admin list at each start and keeps what it was told before', async () => {
    const { environment, select } = await newStore(kind);
    const first = await support.startRelay(kind, environment);
    const event = note(ADMIN_KEY);
    await (await support.clientOf(first, ADMIN_KEY)).publish(event);
    const [before] = await select('SELECT id FROM sphere_relay__events WHERE kind = 13534');
    expect(await first.stop()).toBe(0);

    const second = await support.startRelay(kind, environment);
    const lists = await select('SELECT id FROM sphere_relay__events WHERE kind = 13534');
    expect(lists).toHaveLength(1);
    expect(lists[0]).not.toEqual(before);
    expect(await (await support.clientOf(second, ADMIN_KEY)).query({ kinds: [1] })).toEqual([event]);
  });

  it('uses the schema of RELAY_SCHEMA, whatever characters it has', async () => {
    const { environment, select } = await newStore(kind);
    await support.startRelay(kind, { ...environment, RELAY_SCHEMA: 'other-"relay"' });
    expect(await select('SELECT kind FROM "other-""relay""__events"')).toEqual([{ kind: 13_534 }]);
  });

  it('demands authentication before REQ and EVENT and lets any key read', async () => {
    const relay = await support.startRelay(kind, (await newStore(kind)).environment);
    const stranger = await support.clientOf(relay);
    await expect(stranger.query({})).rejects.toThrow(
      `${relay.url} closed the query: auth-required: authenticate before you ask for events`,
    );
    expect(await stranger.publish(note(ADMIN_KEY))).toEqual({
      accepted: false,
      message: 'auth-required: authenticate before you publish',
    });
    await stranger.authenticate();
    expect(await stranger.query({})).toHaveLength(1);
  });

  it('refuses an authentication with a wrong challenge, for another relay or with a wrong signature', async () => {
    const relay = await support.startRelay(kind, (await newStore(kind)).environment);
    const connection = await rawConnection(relay.url);
    const [, challenge] = (await connection.next()) as [string, string];
    const refusalOf = async (event: NostrEvent) => {
      connection.send(['AUTH', event]);
      return connection.next();
    };
    const wrong = finalizeEvent(makeAuthEvent('wss://relay.test', 'another'), ADMIN_KEY);
    expect(await refusalOf(wrong)).toEqual([
      'OK',
      wrong.id,
      false,
      'invalid: the challenge is not the one that was sent',
    ]);
    const elsewhere = finalizeEvent(makeAuthEvent('wss://other.test', challenge), ADMIN_KEY);
    expect(await refusalOf(elsewhere)).toEqual([
      'OK',
      elsewhere.id,
      false,
      'invalid: the relay tag names another relay than relay.test',
    ]);
    const right = finalizeEvent(makeAuthEvent('wss://relay.test', challenge), ADMIN_KEY);
    expect(await refusalOf({ ...right, pubkey: RELAY_PUBKEY })).toEqual([
      'OK',
      right.id,
      false,
      'invalid: the authentication event does not verify',
    ]);
    connection.send(['REQ', 's', {}]);
    expect(await connection.next()).toEqual(['CLOSED', 's', 'auth-required: authenticate before you ask for events']);
  });

  it('acknowledges an event once the row and its one-letter tags are committed, duplicates kept', async () => {
    const { environment, select } = await newStore(kind);
    const client = await support.clientOf(await support.startRelay(kind, environment), ADMIN_KEY);
    const tags = [['t', 'a', 'more'], ['t', 'a'], ['p', ''], ['e'], ['title', 'long'], ['T', 'b'], ['1', 'x']];
    const event = note(ADMIN_KEY, { tags, content: 'tab\t line\r\n "quoted" \\N \u0001 😀' });
    expect(await client.publish(event)).toEqual({ accepted: true, message: '' });

    const [row] = await select(
      'SELECT id, created_at, kind, pubkey, content, tags, sig FROM sphere_relay__events WHERE kind = 1',
    );
    expect({ ...row, created_at: Number(row?.created_at), tags: JSON.parse(String(row?.tags)) }).toEqual({ ...event });
    const rows = await select('SELECT event_id, key, value FROM sphere_relay__event_tags ORDER BY key, value');
    const expected = [
      ['T', 'b'],
      ['p', ''],
      ['t', 'a'],
      ['t', 'a'],
    ];
    expect(rows.map(({ key, value }) => [key, value]).sort()).toEqual(expected.sort());
    expect(new Set(rows.map((each) => each.event_id))).toEqual(new Set([event.id]));
    expect(await client.query({ ids: [event.id] })).toEqual([event]);
    expect(await client.publish(event)).toEqual({ accepted: true, message: 'duplicate: already have this event' });
  });

  it('refuses altered, badly signed, malformed and foreign events', async () => {
    const { environment, select } = await newStore(kind);
    const client = await support.clientOf(await support.startRelay(kind, environment), ADMIN_KEY);
    const event = note(ADMIN_KEY);
    const reasonFor = async (each: NostrEvent) => {
      const { accepted, message } = await client.publish(each);
      expect(accepted).toBe(false);
      return message;
    };
    expect(await reasonFor({ ...event, content: 'altered' })).toBe('invalid: the id is not the hash of the event');
    expect(await reasonFor({ ...event, sig: note(ADMIN_KEY, { content: 'x' }).sig })).toBe(
      'invalid: the signature does not verify',
    );
    expect(await reasonFor({ ...event, kind: 1.5 })).toBe(
      'invalid: a field of the event is missing or has another form than NIP-01 says',
    );
    expect(await reasonFor(note(generateSecretKey()))).toBe(
      'restricted: you cannot publish events on behalf of others',
    );
    expect(await select('SELECT 1 FROM sphere_relay__events WHERE kind = 1')).toEqual([]);
  });

  it('keeps one event at a replaceable and at an addressable address', async () => {
    const { environment, select } = await newStore(kind);
    const client = await support.clientOf(await support.startRelay(kind, environment), ADMIN_KEY);
    const publish = (fields: Partial<NostrEvent>) => client.publish(note(ADMIN_KEY, fields));
    for (const replaceable of [0, 3, 10_002]) {
      await publish({ kind: replaceable, created_at: 100, tags: [['t', 'old']] });
      await publish({ kind: replaceable, created_at: 200, content: 'new' });
      expect(await publish({ kind: replaceable, created_at: 150, content: 'late' })).toEqual({
        accepted: false,
        message: 'replaced: a newer event stands at this address',
      });
      expect(await client.query({ kinds: [replaceable] })).toMatchObject([{ created_at: 200, content: 'new' }]);
    }
    await publish({ kind: 30_023, created_at: 100, tags: [['d', 'one']] });
    await publish({ kind: 30_023, created_at: 101, tags: [['d', 'two']] });
    await publish({ kind: 30_023, created_at: 102, tags: [['d', 'one']], content: 'second edition' });
    expect(await client.query({ kinds: [30_023] })).toMatchObject([
      { created_at: 102, content: 'second edition' },
      { created_at: 101, tags: [['d', 'two']] },
    ]);
    expect(await select(`SELECT value FROM sphere_relay__event_tags WHERE key = 't'`)).toEqual([]);
  });

  it('keeps, of two replaceable events of one second, the one with the lower id', async () => {
    const client = await support.clientOf(
      await support.startRelay(kind, (await newStore(kind)).environment),
      ADMIN_KEY,
    );
    const pair = [note(ADMIN_KEY, { kind: 0, content: 'a' }), note(ADMIN_KEY, { kind: 0, content: 'b' })];
    const [lower, higher] = pair.sort((a, b) => (a.id < b.id ? -1 : 1)) as [NostrEvent, NostrEvent];
    expect((await client.publish(higher)).accepted).toBe(true);
    expect((await client.publish(lower)).accepted).toBe(true);
    expect((await client.publish(higher)).accepted).toBe(false);
    expect(await client.query({ kinds: [0] })).toEqual([lower]);
  });

  it("deletes by a kind 5 the author's own events and nothing else", async () => {
    const { environment, select } = await newStore(kind);
    const relay = await support.startRelay(kind, environment);
    const author = await support.clientOf(relay, ADMIN_KEY);
    const otherKey = generateSecretKey();
    const other = await support.clientOf(relay, otherKey);
    const mine = note(ADMIN_KEY, { tags: [['t', 'gone']] });
    const theirs = note(otherKey);
    const article = note(ADMIN_KEY, { kind: 30_023, created_at: 100, tags: [['d', 'a']] });
    const later = note(ADMIN_KEY, { kind: 30_023, created_at: 300, tags: [['d', 'b']] });
    for (const event of [mine, article, later]) await author.publish(event);
    await other.publish(theirs);
    const deletion = note(ADMIN_KEY, {
      kind: 5,
      created_at: 200,
      tags: [
        ['e', mine.id],
        ['e', theirs.id],
        ['a', `30023:${ADMIN_PUBKEY}:a`],
        ['a', `30023:${ADMIN_PUBKEY}:b`],
      ],
    });
    expect((await author.publish(deletion)).accepted).toBe(true);
    expect(await author.query({ kinds: [1, 5, 30_023] })).toEqual([theirs, later, deletion]);
    expect(await select(`SELECT 1 FROM sphere_relay__event_tags WHERE value = 'gone'`)).toEqual([]);

    await author.publish(note(ADMIN_KEY, { kind: 5, created_at: 201, tags: [['e', deletion.id]] }));
    expect(await author.query({ ids: [deletion.id] })).toEqual([deletion]);
  });

  it('answers each field of a filter, several filters, and newest first', async () => {
    const relay = await support.startRelay(kind, (await newStore(kind)).environment);
    const client = await support.clientOf(relay, ADMIN_KEY);
    const events = [1, 2, 3, 4].map((n) =>
      note(ADMIN_KEY, {
        kind: n === 4 ? 7 : 1,
        created_at: 1_000 + n,
        content: `${n}`,
        tags: [['t', n % 2 ? 'odd' : 'even']],
      }),
    );
    for (const event of events) await client.publish(event);
    const contents = async (filter: Filter) =>
      (await client.query(filter)).map((event) => (event as NostrEvent).content);
    const author = getPublicKey(ADMIN_KEY);

    expect(await contents({ authors: [author] })).toEqual(['4', '3', '2', '1']);
    expect(await contents({ authors: [] })).toEqual([]);
    expect(await contents({ ids: [(events[0] as NostrEvent).id, (events[2] as NostrEvent).id] })).toEqual(['3', '1']);
    expect(await contents({ kinds: [7] })).toEqual(['4']);
    expect(await contents({ kinds: [1, 7], since: 1_002, until: 1_003 })).toEqual(['3', '2']);
    expect(await contents({ authors: [author], limit: 2 })).toEqual(['4', '3']);
    expect(await contents({ limit: 0 })).toEqual([]);
    expect(await contents({ '#t': ['odd'] })).toEqual(['3', '1']);
    expect(await contents({ '#t': ['odd', 'even'], kinds: [7] })).toEqual(['4']);
    await expect(client.query({ ids: ['zz'] })).rejects.toThrow(
      /closed the query: invalid: the filter's ids\.0 is wrong/,
    );

    const connection = await rawSignedIn(relay.url, ADMIN_KEY);
    connection.send(['REQ', 'two', { kinds: [7] }, { '#t': ['even'] }]);
    expect(await connection.next()).toEqual(['EVENT', 'two', events[3]]);
    expect(await connection.next()).toEqual(['EVENT', 'two', events[1]]);
    expect(await connection.next()).toEqual(['EOSE', 'two']);
  });

  it('hands new and ephemeral events to open subscriptions until CLOSE, and stores no ephemeral one', async () => {
    const { environment, select } = await newStore(kind);
    const relay = await support.startRelay(kind, environment);
    const listener = await rawSignedIn(relay.url, generateSecretKey());
    listener.send(['REQ', 'live', { kinds: [1, 20_001], limit: 0 }]);
    expect(await listener.next()).toEqual(['EOSE', 'live']);

    const writer = await support.clientOf(relay, ADMIN_KEY);
    const events = [note(ADMIN_KEY), note(ADMIN_KEY, { kind: 20_001 })];
    await writer.publish(note(ADMIN_KEY, { kind: 7 }));
    for (const event of events) expect(await writer.publish(event)).toEqual({ accepted: true, message: '' });
    expect(await listener.next()).toEqual(['EVENT', 'live', events[0]]);
    expect(await listener.next()).toEqual(['EVENT', 'live', events[1]]);
    expect(await select('SELECT 1 FROM sphere_relay__events WHERE kind = 20001')).toEqual([]);

    listener.send(['CLOSE', 'live']);
    listener.send('no JSON');
    expect(await listener.next()).toEqual(['NOTICE', 'invalid: a message is a JSON array that begins with its type']);
    await writer.publish(note(ADMIN_KEY, { content: 'after' }));
    listener.send(['COUNT', 'x', {}]);
    expect(await listener.next()).toEqual(['NOTICE', 'invalid: unknown message type COUNT']);
  });

  it('serves its own Host header and answers any other with HTTP 404', async () => {
    const relay = await support.startRelay(kind, { ...(await newStore(kind)).environment, RELAY_NAME: 'the name' });
    const get = (host: string) =>
      new Promise<[number | undefined, string]>((resolve, reject) => {
        const options = { port: relay.port, host: '127.0.0.1', headers: { Host: host } };
        request(options, async (response) => {
          resolve([response.statusCode, (await response.toArray()).join('')]);
        })
          .on('error', reject)
          .end();
      });
    expect(await get('127.0.0.1')).toEqual([404, '404 page not found\n']);
    expect(await get(RELAY_HOST)).toEqual([200, expect.stringContaining('"name":"the name"')]);
  });
});
