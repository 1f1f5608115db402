import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase, type TargetDatabase } from '../../rehearsal/embedded-postgres.ts';
import { madeDatabases } from './made-databases.ts';
import { withClient } from './table-bytes.ts';

/** A new, empty database on the test run's PostgreSQL, owned by a role of its own; it goes with the test file. */
export function freshDatabase(): Promise<TargetDatabase> {
  return createDatabase(inject('postgresAdminUrl'), newName());
}

/** A copy of a database that nobody is connected to; it goes with the test file. */
export async function copyOfDatabase(url: string): Promise<string> {
  const address = new URL(url);
  const name = newName();
  await withClient(inject('postgresAdminUrl'), (client) =>
    client.query(
      `CREATE DATABASE ${name} TEMPLATE ${address.pathname.slice(1)} OWNER ${address.username} STRATEGY FILE_COPY`,
    ),
  );
  address.pathname = `/${name}`;
  return address.href;
}

/** Removes a database before its time, for tests that use hundreds of them. */
export function dropDatabase(url: string): Promise<void> {
  return dropDatabases([new URL(url).pathname.slice(1)]);
}

/** Removes databases, also where a process that was killed is still connected. */
export async function dropDatabases(names: string[]): Promise<void> {
  await withClient(inject('postgresAdminUrl'), async (client) => {
    for (const name of names) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  for (const name of names) madeDatabases.delete(name);
}

function newName(): string {
  const name = `t_${randomBytes(5).toString('hex')}`;
  madeDatabases.add(name);
  return name;
}
