import pg from 'pg';
import type { Contender } from './contenders/contender.ts';
import { countRows, TABLES, type WorkFiles } from './work-files.ts';

/**
 * Looks whether a contender has done its work: a figure of half of it would be worth nothing. Not on its time.
 *
 * @throws Error when rows, searchable events, indexes or foreign keys are other than expected
 */
export async function assertComplete(contender: Contender, files: WorkFiles, url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const findings: string[] = [];
    const compare = async (what: string, expected: number, statement: string): Promise<void> => {
      const seen = ((await client.query(statement)).rows[0] as { count: number }).count;
      if (seen !== expected) findings.push(`${what}: ${seen}, expected ${expected}`);
    };
    for (const [table, rows] of countRows(contender.source(files)))
      await compare(`rows of ${table}`, rows, `SELECT count(*)::float8 AS count FROM ${table}`);
    if (!contender.rowsOnly) {
      for (const { name, promises } of TABLES) {
        // The suspect ones alone: to look at every row takes longer than some contenders.
        for (const { title, suspect, broken } of promises)
          await compare(
            `rows without "${title}"`,
            0,
            `SELECT count(*)::float8 AS count FROM ${name} WHERE (${suspect}) AND ${broken}`,
          );
      }
      await compare(
        'indexes',
        TABLES.flatMap(({ indexes }) => indexes).length,
        "SELECT count(*)::float8 AS count FROM pg_indexes WHERE schemaname = 'public'",
      );
      await compare(
        'keys',
        TABLES.flatMap(({ constraints }) => constraints).length,
        "SELECT count(*)::float8 AS count FROM pg_constraint WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace AND convalidated",
      );
    }
    if (findings.length > 0) {
      throw new Error(
        `${contender.title} has not brought over what it was given: ${findings.join('; ')}. Its figure would be worth nothing.`,
      );
    }
  } finally {
    await client.end();
  }
}
