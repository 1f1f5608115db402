import type pg from 'pg';
import type { VirtualClock } from './clock.ts';

/** What becomes of one call that a function makes, counted from 1. */
export interface Disturbance {
  call: number;
  how: 'killed before' | 'answer lost' | 'throttled';
  /** Called when it has come to that. */
  struck(): void;
}

export interface InvocationOptions {
  disturbance?: Disturbance | undefined;
  /** How long each call takes. */
  latencySeconds: number;
}

/** One invocation of a function: everything that it asks of the world goes through here, and nothing does after its death. */
export interface Invocation {
  call<T>(service: string, act: () => Promise<T> | T): Promise<T>;
  /** A connection of this invocation: it ends with it. */
  connection(client: pg.Client): pg.Client;
  /** The function stops where it is; what it has asked for stays asked for. */
  die(): void;
  /** Resolves with why it was ended before its answer. */
  killed: Promise<Error>;
}

export function createInvocation(clock: VirtualClock, options: InvocationOptions): Invocation {
  const { disturbance, latencySeconds } = options;
  const connections: pg.Client[] = [];
  let calls = 0;
  let isDead = false;
  let tellDeath: (error: Error) => void = () => {};
  const killed = new Promise<Error>((resolve) => {
    tellDeath = resolve;
  });
  const die = (): void => {
    isDead = true;
    for (const client of connections) void client.end();
    tellDeath(Object.assign(new Error('RequestId: 1 Error: Runtime exited'), { name: 'Runtime.ExitError' }));
  };
  const never = new Promise<never>(() => {});

  const call: Invocation['call'] = async (service, act) => {
    calls += 1;
    const mine = disturbance?.call === calls ? disturbance : undefined;
    if (isDead) return never;
    await clock.sleep(latencySeconds);
    if (mine) mine.struck();
    if (mine?.how === 'killed before') die();
    if (isDead) return never;
    if (mine?.how === 'throttled') throw failureOf(service, 'Rate exceeded', 'ThrottlingException');
    const answer = await act();
    if (mine?.how === 'answer lost') throw failureOf(service, 'socket hang up', 'TimeoutError');
    return isDead ? never : answer;
  };

  return {
    call,
    die,
    killed,
    connection(client) {
      connections.push(client);
      const query = (...given: unknown[]): Promise<unknown> =>
        call('postgres', () => (client.query as (...given: unknown[]) => Promise<unknown>)(...given));
      return { query, end: () => client.end() } as unknown as pg.Client;
    },
  };
}

/** A database that does not answer has no error of AWS. */
function failureOf(service: string, message: string, name: string): Error {
  if (service === 'postgres') return new Error('Connection terminated unexpectedly');
  return Object.assign(new Error(message), { name });
}
