import type pg from 'pg';
import type { Connections } from './connections.ts';
import type { Progress } from './progress.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';
import { allOf } from './together.ts';

/** Builds the indexes and keys of a table side by side. Each may be built twice, so a run that was killed in between goes on where it stopped. */
export async function buildIndexes(connections: Connections, table: Table, progress: Progress): Promise<void> {
  await allOf(
    table.indexes.map((statement, position) =>
      // Whatever else waits: the one that takes longest decides when all of them are done.
      connections.use((client) => build(client, statement, progress), { urgent: position === 0 }),
    ),
  );
}

/** Adds the constraints, one after another: a foreign key needs the key of another table. Each may be added twice. */
export async function addConstraints(use: Connections['use'], tables: Table[], progress: Progress): Promise<void> {
  for (const statement of tables.flatMap((table) => table.constraints))
    await use((client) => build(client, statement, progress));
}

/** Makes sure that all rows are as the constraints say that `addConstraints` has added. May be done twice. */
export async function validate(use: Connections['use'], tables: Table[]): Promise<void> {
  for (const statement of tables.flatMap(({ validations = [] }) => validations))
    await use((client) => client.query(statement));
}

/** Tables that have just been filled have no statistics, and the relay's first queries would be planned without. */
export async function analyze(use: Connections['use'], tables: Table[]): Promise<void> {
  await allOf(tables.map(({ name }) => use((client) => client.query(`ANALYZE ${quoteIdentifier(name)}`))));
}

/**
 * Neither IF NOT EXISTS nor a look into pg_constraint guards against a build that is under way: the server may still be at
 * it for a run that was killed. The second time it is there. Codes: duplicate_table, duplicate_object, a second primary
 * key, and two entries of the same name in pg_class.
 */
async function build(client: pg.Client, statement: string, progress: Progress): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    const { code = '', table } = error as { code?: string; table?: string };
    if (!['42P07', '42710', '42P16'].includes(code) && table !== 'pg_class') throw error;
    await client.query(statement);
  }
  progress.moment(`index built: ${/"([^"]+)"/.exec(statement)?.[1] ?? ''}`);
}
