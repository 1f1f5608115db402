import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Connection, openConnection } from './connection.ts';
import { oneAtATime } from './database.ts';
import type { EventStore } from './event-store.ts';
import type { RelaySettings } from './settings.ts';

const MESSAGE_BYTES_MAX = 1_048_576;
const GOODBYE_MILLISECONDS = 300;

export interface RelayServer {
  port: number;
  /** Takes no more connections and ends those that there are. */
  stop(): Promise<void>;
}

/**
 * Serves the relay on 127.0.0.1 under its one Host header; any other gets HTTP 404.
 *
 * @throws Error when the port is taken
 */
export async function serve(settings: RelaySettings, store: EventStore): Promise<RelayServer> {
  const connections = new Set<Connection>();
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  webSockets.on('connection', (socket: WebSocket) => converse(socket, settings.host, store, connections));

  const isForUs = (request: IncomingMessage) => request.headers.host?.toLowerCase() === settings.host;
  const http = createServer((request, response) => {
    if (!isForUs(request)) return response.writeHead(404).end('404 page not found\n');
    response.setHeader('content-type', 'application/nostr+json');
    response.end(JSON.stringify({ name: settings.name, pubkey: settings.pubkey, supported_nips: [1, 9, 11, 42, 50] }));
  });
  http.on('upgrade', (request, socket, head) => {
    if (isForUs(request)) {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => webSockets.emit('connection', webSocket, request));
      return;
    }
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });

  await new Promise<void>((resolve, reject) => {
    http.once('error', reject).listen(settings.port, '127.0.0.1', resolve);
  });
  return { port: (http.address() as AddressInfo).port, stop: () => stop(http, webSockets) };
}

function converse(socket: WebSocket, host: string, store: EventStore, connections: Set<Connection>): void {
  const connection = openConnection(
    host,
    store,
    (message) => socket.readyState === socket.OPEN && socket.send(JSON.stringify(message)),
    (event) => {
      for (const each of connections) each.deliver(event);
    },
  );
  connections.add(connection);
  // One message after the other: what a client sends after its AUTH has to find it authenticated.
  const inTurn = oneAtATime();
  socket.on('message', (data) => void inTurn(() => connection.receive(data.toString())));
  socket.on('close', () => connections.delete(connection));
  socket.on('error', () => socket.terminate());
}

async function stop(http: Server, webSockets: WebSocketServer): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  for (const socket of webSockets.clients) socket.close(1001, 'the relay is going away');
  const impatience = setTimeout(() => {
    for (const socket of webSockets.clients) socket.terminate();
    http.closeAllConnections();
  }, GOODBYE_MILLISECONDS);
  await closed;
  clearTimeout(impatience);
}
