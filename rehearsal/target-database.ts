import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type ConnectTarget, connectAs, type TargetAddress } from '../lambdas/target-database.ts';
import { parseDatabaseUrl } from '../migrator/configuration.ts';
import { Refused } from '../statemachine/errors.ts';
import { createDatabase, startPostgres } from './embedded-postgres.ts';

/** The PostgreSQL of a rehearsal, with the rights of its owner. */
export interface RehearsalTarget {
  url: string;
  address: TargetAddress;
  description: string;
  /** The password and everything else that must never be printed. */
  secrets: string[];
  /** Signs in as the role of the verifying functions; locally a password takes the place of IAM. */
  connectAsVerifier: ConnectTarget;
  query(sql: string, values?: unknown[]): Promise<pg.QueryResult>;
  /** Restarts the server; only where it is an embedded one. */
  restart?(): Promise<void>;
  /** Kills the server at once, as a power cut does, and starts it again; only where it is an embedded one. */
  crash?(): void;
  recover?(): Promise<void>;
  stop(): Promise<void>;
}

/** 42P01 and 3F000: the table, or its schema, is not there, so that no cutover has ever come here. */
const NEVER_CUT_OVER = ['42P01', '3F000'];

/**
 * The user's own PostgreSQL when a URL is given, else an embedded one that lives as long as the rehearsal.
 *
 * @throws Refused when the URL is malformed, or a cutover has made that database the truth: a rehearsal that has ended, or
 *   was killed, after TakeAuthority. Its rows are newer than those of the source, which is what a load would make of them.
 */
export async function openTarget(databaseUrl: string | undefined, verifierRole: string): Promise<RehearsalTarget> {
  if (databaseUrl !== undefined) {
    const yours = target(databaseUrl, 'your PostgreSQL', verifierRole, async () => {});
    await assertNotCutOver(yours);
    return yours;
  }
  const server = await startPostgres();
  try {
    const { url } = await createDatabase(server.adminUrl, 'zooid');
    const { restart, crash, recover, stop } = server;
    return { ...target(url, 'an embedded PostgreSQL 16', verifierRole, stop), restart, crash, recover };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function assertNotCutOver({ query, description }: RehearsalTarget): Promise<void> {
  const name = `${description[0]?.toUpperCase()}${description.slice(1)}`;
  const authority = await query('SELECT holder FROM cutover.authority').catch((error: NodeJS.ErrnoException) => {
    if (NEVER_CUT_OVER.includes(error.code ?? '')) return undefined;
    // A connection that fails on every address of a name carries a code and no message.
    throw new Refused(`${name} does not answer: ${error.message || error.code}. Check --database-url.`);
  });
  if (authority?.rows[0]?.holder !== 'target') return;
  throw new Refused(
    `${name} is the truth since an earlier cutover (cutover.authority says "target"), and no rehearsal overwrites it. Give --database-url an empty database, or drop what the earlier rehearsal has left there.`,
  );
}

function target(url: string, what: string, role: string, stop: () => Promise<void>): RehearsalTarget {
  const address = parseDatabaseUrl(url);
  if (typeof address === 'string') throw new Refused(address.replaceAll('DATABASE_URL', '--database-url'));
  const { host, port, user, password, database, tls } = address;
  const ssl = tls === 'disable' ? false : { rejectUnauthorized: tls === 'verify-full' };
  const owner = { host, port, user, password, database, ssl };
  const rolePassword = randomBytes(18).toString('hex');

  const query = async (sql: string, values: unknown[] = []): Promise<pg.QueryResult> => {
    const client = new pg.Client(owner);
    // A server that is ended says so to idle connections too; a query that is under way rejects by itself.
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(sql, values);
    } finally {
      await client.end();
    }
  };
  return {
    url,
    address: { host, port, database },
    description: `${what} at ${host}:${port}/${database}`,
    secrets: [password, rolePassword],
    query,
    async connectAsVerifier(address) {
      await query(`ALTER ROLE ${pg.escapeIdentifier(role)} PASSWORD ${pg.escapeLiteral(rolePassword)}`).catch(() => {
        // Not there yet, or another's: signing in says so in words of its own.
      });
      return connectAs({ ...address, ssl, user: role, password: rolePassword });
    },
    stop,
  };
}
