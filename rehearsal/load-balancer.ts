import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';

/** Stands for the load balancer: one address that stays, whatever task is behind it. */
export interface LoadBalancer {
  port: number;
  /** The port of the task that gets new connections; undefined while there is none. */
  target: number | undefined;
  close(): Promise<void>;
}

const UNAVAILABLE = 'HTTP/1.1 503 Service Temporarily Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * Passes each connection on to the target of that moment and leaves it there until one side ends it: open WebSockets
 * outlive a deregistration, and clients write on over them until the task is stopped.
 */
export async function startLoadBalancer(): Promise<LoadBalancer> {
  const sockets = new Set<Socket>();
  const balancer: LoadBalancer = { port: 0, target: undefined, close: () => close(server, sockets) };
  const server = createServer((client) => {
    sockets.add(client);
    client.once('close', () => sockets.delete(client));
    client.on('error', () => client.destroy());
    // What the client sends is read, though nobody looks at it: a connection that is not read to its end is never closed.
    if (balancer.target === undefined) return void client.resume().end(UNAVAILABLE);
    const upstream = tcpConnect({ host: '127.0.0.1', port: balancer.target });
    sockets.add(upstream);
    upstream.once('close', () => {
      sockets.delete(upstream);
      client.destroy();
    });
    client.once('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  balancer.port = (server.address() as { port: number }).port;
  return balancer;
}

async function close(server: Server, sockets: Set<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  await closed;
}
