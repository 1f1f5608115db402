import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { withRelay } from '../../lambdas/nostr-client.ts';
import { fetchSamples } from '../../lambdas/sample-events.ts';
import { publishOnce, servedEvents } from '../../rehearsal/writer.ts';
import { assertClear, cases, deepList, hostileJson, hostileText } from '../support/fuzz.ts';

/** What a relay does next. `{sub}` and `{id}` stand for what the client has asked for. */
type Act =
  | { do: 'send'; text: string }
  | { do: 'binary'; bytes: Uint8Array }
  | { do: 'ping' | 'terminate' | 'wait' }
  | { do: 'fragments'; text: string; isLeftOpen: boolean }
  | { do: 'raw'; bytes: Uint8Array }
  | { do: 'close'; code: number; reason: string };

interface Script {
  greeting: Act[];
  /** For each frame that the client sends, in turn. */
  answers: Act[][];
}

/** So many relays are asked side by side: each of them mostly waits. */
const RELAYS = 20;
const TIMES = { timeoutSeconds: 0.3, conversationSecondsMax: 0.6 };
/** A busy machine may take its time; what hangs takes for ever. */
const HANGS_MILLISECONDS = 15_000;
let asked = 0;

const verb = fc.constantFrom('AUTH', 'EVENT', 'EOSE', 'OK', 'CLOSED', 'NOTICE', 'COUNT', '', 'auth');
const about = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('"{sub}"', '"{id}"') },
  { weight: 1, arbitrary: fc.constantFrom(deepList(20_000), '{"toString":1,"valueOf":1}', 'null', '0', '""') },
  { weight: 1, arbitrary: hostileJson.map((value) => JSON.stringify(value) ?? 'null') },
);
const frame = fc
  .tuple(verb, fc.array(about, { maxLength: 3 }))
  .map(([word, rest]) => `[${[JSON.stringify(word), ...rest].join(',')}]`);
const text = fc.oneof(
  { weight: 6, arbitrary: frame },
  { weight: 2, arbitrary: fc.constantFrom('["EOSE","{sub}"]', '["OK","{id}",true,""]', '["AUTH","challenge"]') },
  { weight: 1, arbitrary: hostileJson.map((value) => JSON.stringify(value) ?? 'null') },
  { weight: 1, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.constantFrom(deepList(100_000), '[', `["NOTICE","${'n'.repeat(100_000)}"]`) },
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: text.map((one): Act => ({ do: 'send', text: one })) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes): Act => ({ do: 'binary', bytes })) },
  { weight: 1, arbitrary: fc.constantFrom<Act>({ do: 'ping' }, { do: 'terminate' }, { do: 'wait' }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(text, fc.boolean())
      .map(([one, isLeftOpen]): Act => ({ do: 'fragments', text: one, isLeftOpen })),
  },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes): Act => ({ do: 'raw', bytes })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(1000, 1001, 1008, 3000, 4999), fc.string({ unit: 'grapheme-ascii', maxLength: 100 }))
      .map(([code, reason]): Act => ({ do: 'close', code, reason })),
  },
);
const script: fc.Arbitrary<Script> = fc.record({
  greeting: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Act[]>([{ do: 'send', text: '["AUTH","challenge"]' }]) },
    { weight: 1, arbitrary: about.map((one): Act[] => [{ do: 'send', text: `["AUTH",${one}]` }]) },
    { weight: 1, arbitrary: fc.array(act, { maxLength: 3 }) },
  ),
  answers: fc.tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Act[]>([{ do: 'send', text: '["OK","{id}",true,""]' }]) },
      { weight: 1, arbitrary: fc.array(act, { maxLength: 3 }) },
    ),
    fc.array(act, { maxLength: 4 }),
    fc.array(act, { maxLength: 2 }),
  ),
});

const scripts = new Map<string, Script>();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', (socket, { url = '' }) => {
  const { greeting, answers } = scripts.get(url) ?? { greeting: [], answers: [] };
  let frames = 0;
  socket.on('error', () => undefined);
  perform(socket, greeting, []);
  socket.on('message', (data) => {
    perform(socket, answers[frames] ?? [], JSON.parse(data.toString()));
    frames += 1;
  });
});

function perform(socket: WebSocket, acts: Act[], [, subject]: unknown[]): void {
  const id = String((subject as { id?: unknown } | undefined)?.id ?? subject);
  const filled = (one: string): string => one.replaceAll('{sub}', id).replaceAll('{id}', id);
  for (const one of acts) {
    if (socket.readyState !== socket.OPEN) return;
    if (one.do === 'send') socket.send(filled(one.text));
    else if (one.do === 'binary') socket.send(one.bytes);
    else if (one.do === 'ping') socket.ping();
    else if (one.do === 'terminate') socket.terminate();
    else if (one.do === 'raw') rawSocketOf(socket).write(one.bytes);
    else if (one.do === 'close') socket.close(one.code, one.reason.slice(0, 100));
    else if (one.do === 'fragments') {
      const whole = filled(one.text);
      socket.send(whole.slice(0, 3), { fin: false });
      socket.send(whole.slice(3), { fin: !one.isLeftOpen });
    }
  }
}

const rawSocketOf = (socket: WebSocket): Socket => (socket as unknown as { _socket: Socket })._socket;
const addressOf = (path: string): string => `ws://127.0.0.1:${(server.address() as { port: number }).port}${path}`;

/** Everything that this project asks a relay, and what comes of it. */
const QUESTIONS = [
  (url: string) => withRelay({ url }, (client) => client.query({ limit: 1 }), TIMES),
  (url: string) => withRelay({ url }, (client) => fetchSamples(client, 4), TIMES),
];

async function ask(one: Script, question: (url: string) => Promise<unknown>): Promise<void> {
  asked += 1;
  const path = `/${asked}`;
  scripts.set(path, one);
  const url = addressOf(path);
  const outcome = await Promise.race([
    question(url).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    ),
    pause(HANGS_MILLISECONDS, { hangs: true }, { ref: false }),
  ]);
  scripts.delete(path);
  if ('hangs' in outcome) throw new Error('it hangs');
  if ('result' in outcome) return expect(Array.isArray(outcome.result)).toBe(true);
  assertClear(outcome.error, 1_000);
  expect(outcome.error.message).toContain(url);
}

const uncaught: unknown[] = [];
const keep = (error: unknown): void => void uncaught.push(error);
beforeAll(async () => {
  if (server.address() === null) await once(server, 'listening');
  process.on('uncaughtException', keep);
});
afterAll(() => {
  process.off('uncaughtException', keep);
  for (const socket of server.clients) socket.terminate();
  server.close();
  console.log(`fuzz: ${asked} conversations with relays that mean harm`);
});

const GREETING: Act[] = [{ do: 'send', text: '["AUTH","challenge"]' }];
const WELCOME: Act[] = [{ do: 'send', text: '["OK","{id}",true,""]' }];
/** The frames that were found to end the process, or to be carried on whole. */
const FOUND: Record<string, Script> = {
  'a challenge that is too deep to be a text': {
    greeting: [{ do: 'send', text: `["AUTH",${deepList(20_000)}]` }],
    answers: [],
  },
  'a challenge that is an object with a toString of its own': {
    greeting: [{ do: 'send', text: '["AUTH",{"toString":1,"valueOf":1}]' }],
    answers: [],
  },
  'a notice that is too deep to be a text': {
    greeting: [...GREETING, { do: 'send', text: `["NOTICE",${deepList(20_000)}]` }],
    answers: [],
  },
  'a refusal of 100,000 characters': {
    greeting: GREETING,
    answers: [[{ do: 'send', text: `["OK","{id}",false,"${'x'.repeat(100_000)}"]` }]],
  },
  'a query that is closed for a reason of 100,000 characters': {
    greeting: GREETING,
    answers: [WELCOME, [{ do: 'send', text: `["CLOSED","{sub}","${'x'.repeat(100_000)}"]` }]],
  },
};

describe('the client of a relay that sends anything', () => {
  it('ends with a list of events or with one clear error that names the relay, and never hangs', async () => {
    const property = fc.asyncProperty(
      fc.array(script, { minLength: RELAYS, maxLength: RELAYS }),
      fc.nat(QUESTIONS.length - 1),
      async (all, which) => {
        const question = QUESTIONS[which] as (typeof QUESTIONS)[number];
        await Promise.all(all.map((one) => ask(one, question)));
        expect(uncaught).toEqual([]);
      },
    );
    await fc.assert(property, { ...cases(6), endOnFailure: true });
  });

  it.each(Object.entries(FOUND))('outlives %s', async (_, one) => {
    for (const question of QUESTIONS) await ask(one, question);
    expect(uncaught).toEqual([]);
  });
});

interface Endless {
  title: string;
  send(socket: WebSocket): void;
  /** How long the client waits, where that is what ends it. */
  seconds?: number;
  says: string;
}

/** A relay that goes on and on, until the client has gone. */
async function endless({ send, seconds = 60 }: Endless): Promise<{ message: string; bytes: number }> {
  const own = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(own, 'listening');
  own.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.send('["AUTH","challenge"]');
    socket.on('message', async (data) => {
      const [word, subject] = JSON.parse(data.toString());
      if (word === 'AUTH') socket.send(JSON.stringify(['OK', subject.id, true, '']));
      for (let count = 0; word === 'REQ' && socket.readyState === socket.OPEN; count += 1) {
        send(socket);
        if (socket.bufferedAmount > 1_000_000) await pause(1);
        else if (count % 16 === 0) await pause(0);
      }
    });
  });
  const url = `ws://127.0.0.1:${(own.address() as { port: number }).port}`;
  global.gc?.();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
  let peak = before;
  const watch = setInterval(() => {
    const { heapUsed, external } = process.memoryUsage();
    peak = Math.max(peak, heapUsed + external);
  }, 20);
  const error = await withRelay({ url }, (client) => client.query({ limit: 1 }), {
    timeoutSeconds: seconds,
    conversationSecondsMax: 60,
  }).catch((reason: Error) => reason);
  clearInterval(watch);
  for (const socket of own.clients) socket.terminate();
  own.close();
  assertClear(error, 1_000);
  return { message: error.message.replace(url, 'URL'), bytes: peak - before };
}

const FRAME_BYTES = 4_194_304;
const filledWith = (one: string, bytes: number): string => one.repeat(Math.floor(bytes / one.length));

/** Without end, each in its own way, and what the client says of it. */
const ENDLESS: Endless[] = [
  {
    title: 'events of 2 MiB',
    send: (socket) => socket.send(`["EVENT","q1","${filledWith('x', FRAME_BYTES / 2)}"]`),
    says: 'URL answered one query with more than 67108864 bytes of memory.',
  },
  {
    title: 'events of empty lists, which take fifteen times their bytes in memory',
    send: (socket) => socket.send(`["EVENT","q1",[${filledWith('[],', FRAME_BYTES / 2)}0]]`),
    says: 'URL answered one query with more than 67108864 bytes of memory.',
  },
  {
    title: 'one frame of nothing but empty lists',
    send: (socket) => socket.send(`["EVENT","q1",[${filledWith('{},', FRAME_BYTES - 100)}0]]`),
    says: 'URL sent a frame of so many lists and values that it takes more than 16 of its largest.',
  },
  {
    title: 'notices',
    send: (socket) => socket.send('["NOTICE","wait"]'),
    seconds: 1,
    says: 'URL sent no EOSE within 1 s; its last notice was: wait.',
  },
  {
    title: 'pings',
    send: (socket) => socket.ping('x'.repeat(100)),
    seconds: 1,
    says: 'URL sent no EOSE within 1 s.',
  },
  {
    title: 'one message in pieces of one byte',
    send: (socket) => socket.send('x', { fin: false }),
    says: 'URL sent one message in too many pieces.',
  },
  {
    title: 'one message in large pieces',
    send: (socket) => socket.send('x'.repeat(100_000), { fin: false }),
    says: 'URL sent a frame of more than 4194304 bytes.',
  },
];
/** The bound of an answer, what it may be off by, and the frames that are on their way at both ends: here they share one process. */
const MEMORY_BYTES_MAX = 400 * 1024 * 1024;

describe('the client of a relay that never ends', () => {
  it.each(ENDLESS)('gives up $title, and has kept little of it', async (one) => {
    const { message, bytes } = await endless(one);
    expect(message).toBe(one.says);
    expect(bytes).toBeLessThan(MEMORY_BYTES_MAX);
  });

  it('has a deadline for the whole conversation, where every answer comes in its last moment', async () => {
    const own = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(own, 'listening');
    own.on('connection', (socket) => {
      socket.send('["AUTH","challenge"]');
      socket.on('message', async (data) => {
        const [word, subject] = JSON.parse(data.toString());
        await pause(100);
        socket.send(JSON.stringify(word === 'AUTH' ? ['OK', subject.id, true, ''] : ['EOSE', subject]));
      });
    });
    const url = `ws://127.0.0.1:${(own.address() as { port: number }).port}`;
    const asking = withRelay(
      { url },
      async (client) => {
        for (;;) await client.query({ limit: 1 });
      },
      { timeoutSeconds: 5, conversationSecondsMax: 0.5 },
    );
    await expect(asking).rejects.toThrow(`${url} was not done with the whole conversation within 0.5 s.`);
    own.close();
  });
});

/** What a server of TCP says to a handshake, in pieces with a pause between them. */
const HANDSHAKES: { title: string; pieces: (string | Buffer)[]; isEndless?: true; says: RegExp }[] = [
  { title: 'nothing', pieces: [], says: /did not finish the WebSocket handshake within 0\.3 s\.$/ },
  { title: 'a status line without end', pieces: ['H'], isEndless: true, says: /could not be reached: |did not finish/ },
  {
    title: 'headers without end',
    pieces: ['HTTP/1.1 101 Switching Protocols\r\n', `A: ${'x'.repeat(30_000)}\r\n`],
    isEndless: true,
    says: /could not be reached: Parse Error: Header overflow|did not finish/,
  },
  {
    title: 'a body without end',
    pieces: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '5\r\nhello\r\n'],
    isEndless: true,
    says: /answered the WebSocket handshake with HTTP 200; expected 101\.$/,
  },
  {
    title: 'a redirect',
    pieces: ['HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n'],
    says: /answered the WebSocket handshake with HTTP 302; expected 101\.$/,
  },
  {
    title: 'an acceptance of another key',
    pieces: [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    ],
    says: /could not be reached: Invalid Sec-WebSocket-Accept header\.$/,
  },
  { title: 'bytes', pieces: [Buffer.from([0, 255, 129, 0])], says: /could not be reached: Parse Error/ },
];

describe('the client of a server that is no relay', () => {
  it.each(HANDSHAKES)(
    'says what came of a handshake that is answered with $title',
    async ({ pieces, isEndless, says }) => {
      const sockets = new Set<Socket>();
      const own: Server = createServer(async (socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        for (const piece of pieces) {
          socket.write(piece);
          await pause(5);
        }
        while (isEndless && !socket.destroyed) {
          socket.write(pieces.at(-1) as string);
          await pause(2);
        }
      });
      own.listen(0, '127.0.0.1');
      await once(own, 'listening');
      const url = `ws://127.0.0.1:${(own.address() as { port: number }).port}`;
      const failure = await withRelay({ url }, (client) => client.query({}), TIMES).catch((error: Error) => error);
      assertClear(failure, 1_000);
      expect(failure.message).toMatch(says);
      expect(failure.message).toContain(url);
      for (const socket of sockets) socket.destroy();
      own.close();
    },
  );
});

describe('the writer and the look of the rehearsal', () => {
  it('give up a relay that answers with anything but events', async () => {
    scripts.set('/writer', {
      greeting: GREETING,
      answers: [
        WELCOME,
        [
          { do: 'send', text: '["EVENT","{sub}",null]' },
          { do: 'send', text: '["EOSE","{sub}"]' },
        ],
      ],
    });
    expect(await servedEvents({ url: addressOf('/writer') }, [{ id: 'x' }])).toEqual(new Set());
    const signal = AbortSignal.timeout(200);
    scripts.set('/writer', {
      greeting: GREETING,
      answers: [WELCOME, [{ do: 'send', text: '["OK","{id}",{"a":1},[[]]]' }]],
    });
    await expect(publishOnce({ url: addressOf('/writer') }, 'x', signal)).rejects.toThrow();
    scripts.delete('/writer');
  });
});
