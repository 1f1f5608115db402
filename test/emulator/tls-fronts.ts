import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';

export interface Front {
  port: number;
  stop(): Promise<void>;
}

/** What a load balancer's HTTPS listener does: ends TLS, and hands what is in it on to a port of this machine. */
export async function httpsFront(certificate: Certificate, port: number): Promise<Front> {
  const server = createTlsServer({ cert: certificate.certificate, key: certificate.key }, (socket) =>
    join(socket, port),
  );
  return listening(server);
}

/** PostgreSQL's request for TLS: length and a number instead of a protocol version. Source: PostgreSQL manual, "Message Formats". */
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');

/** A PostgreSQL that takes connections over TLS only, as RDS does, before one that has none. */
export async function postgresFront({ certificate, key }: Certificate, port: number): Promise<Front> {
  const secureContext = createSecureContext({ cert: certificate, key });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (first) => {
      if (!first.equals(SSL_REQUEST)) return socket.destroy();
      // Nothing of the handshake may be read before TLS is there to read it.
      socket.pause();
      const secure = new TLSSocket(socket, { isServer: true, secureContext });
      socket.write('S');
      socket.resume();
      return join(secure, port);
    });
  });
  return listening(server);
}

function join(socket: Socket, port: number): void {
  const inner = connect(port, '127.0.0.1');
  socket.pipe(inner).pipe(socket);
  for (const [one, other] of [
    [socket, inner],
    [inner, socket],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

async function listening(server: Server): Promise<Front> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
