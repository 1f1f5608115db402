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

/**
 * The user's own PostgreSQL when a URL is given, else an embedded one that lives as long as the rehearsal.
 *
 * @throws Refused when the URL is malformed
 */
export async function openTarget(databaseUrl: string | undefined, verifierRole: string): Promise<RehearsalTarget> {
  if (databaseUrl !== undefined) return target(databaseUrl, 'your PostgreSQL', verifierRole, async () => {});
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
