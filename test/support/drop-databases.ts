import { afterAll } from 'vitest';
import { madeDatabases } from './made-databases.ts';

// The files of a database take 8 MB and more, and a run makes more than a thousand of them.
afterAll(async () => {
  if (madeDatabases.size === 0) return;
  const { dropDatabases } = await import('./postgres.ts');
  await dropDatabases([...madeDatabases]);
});
