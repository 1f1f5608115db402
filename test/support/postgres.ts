import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase, type TargetDatabase } from '../../rehearsal/embedded-postgres.ts';

/** A new, empty database on the test run's PostgreSQL, owned by a role of its own. */
export function freshDatabase(): Promise<TargetDatabase> {
  return createDatabase(inject('postgresAdminUrl'), `t_${randomBytes(5).toString('hex')}`);
}
