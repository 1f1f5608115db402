import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { connect, type NostrClient } from '../lambdas/nostr-client.ts';
import {
  ADMIN_KEY,
  ADMIN_PUBKEY,
  clientOf,
  RELAY_HOST,
  startRelay,
  temporaryDirectory,
} from './support/relay-process.ts';
import { note } from './support/relay-rows.ts';

const PATIENT = { timeoutSeconds: 10, maxPayloadBytes: 10_000 };
const HASTY = { timeoutSeconds: 0.2, maxPayloadBytes: 10_000 };

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A relay that answers each frame as the test says. */
async function scriptedRelay(
  answer: (socket: WebSocket, frame: unknown[]) => void,
  greeting: unknown[] = ['AUTH', 'c'],
) {
  const server = createHttpServer();
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (socket) => {
    socket.on('error', () => undefined);
    if (greeting.length > 0) socket.send(JSON.stringify(greeting));
    socket.on('message', (data) => answer(socket, JSON.parse(data.toString())));
  });
  onTestFinished(() => {
    for (const socket of webSockets.clients) socket.terminate();
  });
  return listen(server);
}

/** The message with which a query fails at a relay that answers REQ as the test says. */
async function queryFailure(answer: (socket: WebSocket, frame: unknown[]) => void, options = PATIENT) {
  const url = await scriptedRelay((socket, frame) => frame[0] === 'REQ' && answer(socket, frame));
  const client = await connect({ url, ...options });
  onTestFinished(() => client.close());
  const message = await messageOf(client.query({}));
  return { client, message: message.replaceAll(url, 'URL') };
}

async function messageOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

const reply = (socket: WebSocket, ...frames: unknown[][]) => {
  for (const frame of frames) socket.send(JSON.stringify(frame));
};

describe('connect', () => {
  it('says that nobody listens', async () => {
    expect(await messageOf(connect({ url: 'ws://127.0.0.1:1', ...PATIENT }))).toBe(
      'ws://127.0.0.1:1 could not be reached: connect ECONNREFUSED 127.0.0.1:1.',
    );
  });

  it('says that a url is none', async () => {
    expect(await messageOf(connect({ url: 'nowhere', ...PATIENT }))).toBe('Invalid URL: nowhere');
  });

  it.each([404, 503, 200, 302])('says that the handshake was answered with HTTP %i', async (status) => {
    const url = await listen(createHttpServer((_, response) => response.writeHead(status).end('no')));
    expect(await messageOf(connect({ url, ...PATIENT }))).toBe(
      `${url} answered the WebSocket handshake with HTTP ${status}; expected 101.`,
    );
  });

  it('gives up on a host that accepts and then says nothing', async () => {
    const url = await listen(createTcpServer((socket) => onTestFinished(() => void socket.destroy())));
    expect(await messageOf(connect({ url, ...HASTY }))).toBe(
      `${url} did not finish the WebSocket handshake within 0.2 s.`,
    );
  });

  it('says that the other side speaks no HTTP', async () => {
    const url = await listen(createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n')));
    expect(await messageOf(connect({ url, ...PATIENT }))).toMatch(/^ws:\S+ could not be reached: Parse Error/);
  });
});

describe('a Nostr client of a relay that behaves', () => {
  async function start(): Promise<{ url: string; client: NostrClient }> {
    const relay = await startRelay('sqlite', { DATA: await temporaryDirectory() });
    return { url: relay.url, client: await clientOf(relay) };
  }

  it('signs in with the key given, or with a new one', async () => {
    const { client } = await start();
    const key = generateSecretKey();
    expect(await client.authenticate(key)).toBe(getPublicKey(key));
    expect(await client.authenticate(ADMIN_KEY)).toBe(ADMIN_PUBKEY);
    expect(await client.authenticate()).toMatch(/^[0-9a-f]{64}$/);
  });

  it('publishes and queries many at a time', async () => {
    const { client } = await start();
    await client.authenticate(ADMIN_KEY);
    const events = [1, 2, 3].map((n) => note(ADMIN_KEY, { created_at: n }));
    const answers = await Promise.all([...events, ...events].map((event) => client.publish(event)));
    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true, true, true, true, true]);
    const results = await Promise.all(events.map(({ id }) => client.query({ ids: [id] })));
    expect(results).toEqual(events.map((event) => [event]));
  });

  it('names the virtual relay in the Host header', async () => {
    const { url } = await start();
    expect(await messageOf(connect({ url, hostHeader: 'other.test', ...PATIENT }))).toBe(
      `${url} answered the WebSocket handshake with HTTP 404; expected 101.`,
    );
    const client = await connect({ url, hostHeader: RELAY_HOST, ...PATIENT });
    await client.close();
    await client.close();
    expect(await messageOf(client.query({}))).toBe(`The connection to ${url} was closed by this side.`);
  });

  it('fails what is under way when it is closed', async () => {
    const url = await scriptedRelay(() => undefined);
    const client = await connect({ url, ...PATIENT });
    const query = messageOf(client.query({}));
    await client.close();
    expect(await query).toBe(`The connection to ${url} was closed by this side.`);
  });
});

describe('a Nostr client of a relay that misbehaves', () => {
  it('gives up on a relay that sends no challenge', async () => {
    const url = await scriptedRelay(() => undefined, []);
    const client = await connect({ url, ...HASTY });
    expect(await messageOf(client.authenticate())).toBe(`${url} sent no AUTH challenge within 0.2 s.`);
    await client.close();
  });

  it('says why the authentication was refused', async () => {
    const url = await scriptedRelay((socket, [, event]) =>
      reply(socket, ['OK', (event as { id: string }).id, false, 'restricted: no']),
    );
    const client = await connect({ url, ...PATIENT });
    expect(await messageOf(client.authenticate())).toBe(`${url} refused the authentication: restricted: no`);
    await client.close();
  });

  it('gives up on a query without EOSE, names the last notice, and goes on with the next', async () => {
    let isFirst = true;
    const url = await scriptedRelay((socket, [verb, id]) => {
      if (verb !== 'REQ') return;
      reply(socket, isFirst ? ['NOTICE', 'busy'] : ['EOSE', 'q1'], ...(isFirst ? [] : [['EOSE', id] as unknown[]]));
      isFirst = false;
    });
    const client = await connect({ url, ...HASTY });
    expect(await messageOf(client.query({}))).toBe(`${url} sent no EOSE within 0.2 s; its last notice was: busy.`);
    expect(await client.query({})).toEqual([]);
    await client.close();
  });

  it('says why a query was closed', async () => {
    const { message } = await queryFailure((socket, [, id]) => reply(socket, ['CLOSED', id, 'error: shutting down']));
    expect(message).toBe('URL closed the query: error: shutting down');
  });

  it.each([
    ['text that is no JSON', 'hello', 'URL sent a frame that is no Nostr message: hello.'],
    ['JSON that is no array', '{"a":1}', 'URL sent a frame that is no Nostr message: {"a":1}.'],
    ['a binary frame', Buffer.from('["EOSE","q1"]'), 'URL sent a frame that is no Nostr message: ["EOSE","q1"].'],
    ['an unknown message', '["HELLO"]', 'URL sent a message that nothing had asked for: ["HELLO"].'],
    ['a foreign subscription', '["EOSE","other"]', 'URL sent a message that nothing had asked for: ["EOSE","other"].'],
    ['a huge frame', 'x'.repeat(10_001), 'URL sent a frame of more than 10000 bytes.'],
  ])('ends the connection at %s, and says so at every later call', async (_, data, expected) => {
    const { client, message } = await queryFailure((socket) => socket.send(data));
    expect(message).toBe(expected);
    expect(await messageOf(client.query({}))).toContain(expected.slice('URL'.length));
    expect(await messageOf(client.publish(note(ADMIN_KEY)))).toContain(expected.slice('URL'.length));
  });

  it('leaves no connection open to a relay that it gave up on', async () => {
    const gone = new Promise((resolve) => {
      void queryFailure((socket) => {
        socket.once('close', resolve);
        socket.send('hello');
      });
    });
    await gone;
  });

  it('shows no more than the beginning of what it was sent', async () => {
    const { message } = await queryFailure((socket) => socket.send('y'.repeat(5_000)));
    expect(message).toBe(`URL sent a frame that is no Nostr message: ${'y'.repeat(80)}... (5000 characters).`);
  });

  it('stops at an answer without end', async () => {
    const { message } = await queryFailure((socket, [, id]) => {
      for (let n = 0; n < 40; n += 1) reply(socket, ['EVENT', id, 'z'.repeat(9_000)]);
    });
    expect(message).toBe('URL answered one query with more than 160000 bytes of memory.');
  });

  it('says that the relay closed the connection, and how', async () => {
    const closed = await queryFailure((socket) => socket.close(1001, 'going away'));
    expect(closed.message).toBe('URL closed the connection with code 1001: going away.');
    const cut = await queryFailure((socket) => socket.terminate());
    expect(cut.message).toBe('URL closed the connection with code 1006.');
  });

  it('says which event was not answered', async () => {
    const url = await scriptedRelay((socket) => reply(socket, ['NOTICE', 'later']));
    const client = await connect({ url, ...HASTY });
    expect(await messageOf(client.publish(note(ADMIN_KEY)))).toBe(
      `${url} did not answer EVENT within 0.2 s; its last notice was: later.`,
    );
    await client.close();
  });
});
