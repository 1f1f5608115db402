import PQueue from 'p-queue';
import type pg from 'pg';
import type { DatabaseAddress } from './configuration.ts';
import { lockTarget } from './control-schema.ts';
import { connectTarget } from './target.ts';

/** The connections of one run, each of which does one piece of work at a time. */
export interface Connections {
  /**
   * Does the work on the first connection that is free. After a failure nothing is begun any more.
   *
   * @param options `urgent`: before everything that waits already
   * @throws what the work throws; what an earlier one has thrown, where it was not begun
   */
  use<T>(work: (client: pg.Client) => Promise<T>, options?: { urgent?: boolean }): Promise<T>;
  /** Ends all of them but the first, which is the caller's. */
  end(): Promise<void>;
}

/** As many as small servers have processors: a third would take time from the statement that takes longest. */
const CONNECTIONS = 2;

/**
 * Opens further connections beside the one that a run has. Each takes a lock of its own: the server may still be at work on
 * one of them for a run that was killed.
 *
 * @param first has locked the target
 * @throws Error when the server does not let them in, or is still at work for another run
 */
export async function openConnections(address: DatabaseAddress, first: pg.Client): Promise<Connections> {
  const clients = [first];
  const end = async (): Promise<void> => {
    await Promise.all(clients.slice(1).map((client) => client.end().catch(() => {})));
  };
  try {
    while (clients.length < CONNECTIONS) {
      const client = await connectTarget(address);
      const place = clients.push(client) - 1;
      await lockTarget(client, place);
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { use: dispatcher(clients), end };
}

function dispatcher(clients: pg.Client[]): Connections['use'] {
  const queue = new PQueue({ concurrency: clients.length });
  const free = [...clients];
  let failure: { error: unknown } | undefined;
  return (work, { urgent = false } = {}) =>
    queue.add(
      async () => {
        if (failure) throw failure.error;
        const client = free.shift() as pg.Client;
        try {
          return await work(client);
        } catch (error) {
          failure ??= { error };
          throw error;
        } finally {
          free.unshift(client);
        }
      },
      { priority: urgent ? 1 : 0 },
    );
}
