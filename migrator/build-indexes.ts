import type pg from 'pg';
import type { Progress } from './progress.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

/**
 * Builds indexes and keys side by side on the given connections, then the constraints that need them, then statistics.
 * Every statement may run twice, so a run that was killed in between goes on where it stopped.
 */
export async function buildIndexes(clients: pg.Client[], tables: Table[], progress: Progress): Promise<void> {
  await runAll(
    clients,
    tables.flatMap((table) => table.indexes),
    progress,
  );
  await runAll(
    clients,
    tables.flatMap((table) => table.constraints),
    progress,
  );
  for (const table of tables) await clients[0]?.query(`ANALYZE ${quoteIdentifier(table.name)}`);
}

async function runAll(clients: pg.Client[], statements: string[], progress: Progress): Promise<void> {
  const queue = [...statements];
  const work = async (client: pg.Client): Promise<void> => {
    for (let statement = queue.shift(); statement !== undefined; statement = queue.shift()) {
      await runOnce(client, statement);
      progress.moment(`index built: ${/"([^"]+)"/.exec(statement)?.[1] ?? ''}`);
    }
  };
  // Both are waited for even when one fails: a connection must not be closed under the other's statement.
  const outcomes = await Promise.allSettled(clients.map(work));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Neither IF NOT EXISTS nor a look into pg_constraint guards against a build that is under way: the server may still be at
 * it for a run that was killed. The second time it is there. Codes: duplicate_table, duplicate_object, a second primary
 * key, and two entries of the same name in pg_class.
 */
async function runOnce(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    const { code = '', table } = error as { code?: string; table?: string };
    if (!['42P07', '42710', '42P16'].includes(code) && table !== 'pg_class') throw error;
    await client.query(statement);
  }
}
