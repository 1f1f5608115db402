import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const INT4 = 23;
const TEXT = 25;

/** What a server says of itself, and the settings that it does not know. */
interface Server {
  version: string;
  major: number;
  encoding: string;
  unknownSettings: string[];
}

/**
 * Stands in for a PostgreSQL that cannot be had here: lets everybody in, says which version it is, and refuses settings that
 * it does not know. Source: PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats".
 *
 * @returns its port on 127.0.0.1
 */
export async function oldServer(says: Server): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    let isStarted = false;
    socket.on('data', (data) => {
      if (!isStarted) socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]));
      else if (data[0] === 'Q'.charCodeAt(0)) socket.write(answer(says, data.toString('utf8', 5)));
      isStarted = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

const ready = message('Z', Buffer.from('I'));

function answer({ version, major, encoding, unknownSettings }: Server, sql: string): Buffer {
  const unknown = unknownSettings.find((name) => sql.includes(name));
  if (unknown !== undefined) {
    const fields = ['SERROR', 'VERROR', 'C42704', `Munrecognized configuration parameter "${unknown}"`];
    return Buffer.concat([message('E', ...fields.map(terminated), Buffer.alloc(1)), ready]);
  }
  const row = sql.includes('server_version') ? { version, major, encoding } : {};
  const names = Object.keys(row);
  const described = names.map((name) =>
    Buffer.concat([
      terminated(name),
      Buffer.alloc(6),
      int32(name === 'major' ? INT4 : TEXT),
      Buffer.from([255, 255, 255, 255, 255, 255, 0, 0]),
    ]),
  );
  const values = Object.values(row).map((value) => Buffer.from(String(value)));
  return Buffer.concat([
    message('T', int16(names.length), ...described),
    message('D', int16(names.length), ...values.flatMap((value) => [int32(value.length), value])),
    message('C', terminated('SELECT 1')),
    ready,
  ]);
}

function terminated(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
