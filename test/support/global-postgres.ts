import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../rehearsal/embedded-postgres.ts';
import { bundleCommand } from './bundled-command.ts';
import { makeTemporaryRoom } from './temporary-room.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresAdminUrl: string;
    /** Path of `relay-cutover` as one program, which starts much faster. */
    command: string;
  }
}

/** One PostgreSQL for the whole test run; each test takes a database of its own from it (postgres.ts). And one bundle of the CLI. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const removeRoom = makeTemporaryRoom();
  const [server, { command, remove }] = await Promise.all([
    startPostgres({ fsync: 'off', max_connections: '200' }),
    bundleCommand(),
  ]);
  project.provide('postgresAdminUrl', server.adminUrl);
  project.provide('command', command);
  return async () => {
    await server.stop();
    remove();
    removeRoom();
  };
}
