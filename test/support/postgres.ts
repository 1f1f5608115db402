import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase, type TargetDatabase } from '../../rehearsal/embedded-postgres.ts';
import { withClient } from './table-bytes.ts';

/** A new, empty database on the test run's PostgreSQL, owned by a role of its own. */
export function freshDatabase(): Promise<TargetDatabase> {
  return createDatabase(inject('postgresAdminUrl'), `t_${randomBytes(5).toString('hex')}`);
}

/** Removes a database, also where a process that was killed is still connected; for tests that use hundreds of them. */
export async function dropDatabase(url: string): Promise<void> {
  await withClient(inject('postgresAdminUrl'), (client) =>
    client.query(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`),
  );
}
