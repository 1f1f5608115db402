import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import pg from 'pg';
import type { PostgresServer } from '../../rehearsal/embedded-postgres.ts';
import type { Settings } from '../../statemachine/settings.ts';
import { withClient } from '../support/table-bytes.ts';
import type { Emulator } from './emulator.ts';
import { secretValue } from './plain-calls.ts';
import { idsIn } from './stacks.ts';

const POLL_MILLISECONDS = 200;

export interface Instance {
  host: string;
  port: number;
  /** The owner's, past the TLS. */
  url: string;
}

/**
 * Waits until the emulator has an RDS instance and gives it what the emulator does not have behind it: a database of that
 * name, with that master user. No API tells that user's password; the stack's secret does.
 */
export async function standBehindInstance(
  emulator: Emulator,
  server: PostgresServer,
  { stackName, names }: Settings,
  signal: AbortSignal,
): Promise<Instance | undefined> {
  const rds = new RDSClient(emulator.client);
  while (!signal.aborted) {
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}));
    const [instance] = DBInstances;
    const { Address: host, Port: port } = instance?.Endpoint ?? {};
    if (instance?.DBInstanceStatus === 'available' && host !== undefined && port !== undefined) {
      const { DBName: name = '', MasterUsername: user = '' } = instance;
      const idOf = await idsIn(new CloudFormationClient(emulator.client), stackName);
      const password = await secretValue(emulator, idOf(names.databasePassword));
      const url = await createDatabase(server.adminUrl, { name, user, password });
      return { host, port, url };
    }
    await pause(POLL_MILLISECONDS);
  }
  return undefined;
}

/** As RDS does it: the master user owns the database, may make roles, and is no superuser. */
async function createDatabase(
  adminUrl: string,
  { name, user, password }: { name: string; user: string; password: string },
): Promise<string> {
  await withClient(adminUrl, async (client) => {
    const owner = pg.escapeIdentifier(user);
    await client.query(`CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD ${pg.escapeLiteral(password)}`);
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${owner}`);
  });
  return Object.assign(new URL(adminUrl), { username: user, password, pathname: `/${name}` }).href;
}

/** RDS looks at the IAM token of this role; a PostgreSQL of one's own does not know such tokens, and lets it in without. */
export async function letIn(adminUrl: string, role: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { rows } = await client.query('SHOW hba_file');
    const file = rows[0].hba_file as string;
    const rules = await readFile(file, 'utf8');
    await writeFile(file, `host all ${role} 127.0.0.1/32 trust\n${rules}`);
    await client.query('SELECT pg_reload_conf()');
  });
}
