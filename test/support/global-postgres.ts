import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../rehearsal/embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresAdminUrl: string;
  }
}

/** One PostgreSQL for the whole test run; each test takes a database of its own from it (postgres.ts). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ fsync: 'off', max_connections: '200' });
  project.provide('postgresAdminUrl', server.adminUrl);
  return () => server.stop();
}
