import { afterAll } from 'vitest';

/** Names of the databases that the tests of this file have made and not dropped. */
export const madeDatabases = new Set<string>();

// The files of a database take 8 MB and more, and a run makes more than a thousand of them.
afterAll(async () => {
  if (madeDatabases.size === 0) return;
  const { dropDatabases } = await import('./postgres.ts');
  await dropDatabases([...madeDatabases]);
});
