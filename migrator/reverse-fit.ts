import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import type { Progress } from './progress.ts';
import { classify, quoteIdentifier, type Table } from './table-kinds.ts';

/**
 * Lists everything in the target that the SQLite file cannot hold: tables and columns that no old relay knows, and values that
 * its columns do not take.
 *
 * @param kindOf what a name stands for; tables that are skipped are not looked at
 * @param allowed tables and columns that only PostgreSQL knows may stay behind there; they are listed all the same
 * @throws Refused with all of it, before anything is changed
 */
export async function reviewFit(
  client: pg.Client,
  allowed: boolean,
  progress: Progress,
  kindOf: (name: string) => Table | 'skipped' | 'unknown' = classify,
): Promise<void> {
  const behind: string[] = [];
  const unfit: string[] = [];
  for (const [name, columns] of await targetColumns(client)) {
    const table = kindOf(name);
    if (table === 'skipped') continue;
    if (table === 'unknown') {
      const rows = await count(client, `SELECT count(*) FROM ${quoteIdentifier(name)}`);
      if (rows > 0) behind.push(`${rows} rows of "${name}", a table that the old relay does not know`);
      continue;
    }
    behind.push(...(await unknownColumns(client, table, columns)));
    unfit.push(...(await missingValues(client, table, columns)));
  }
  if (unfit.length > 0) {
    throw new Refused(
      `PostgreSQL has rows that SQLite cannot hold:\n${inLines(unfit)}\nNothing was changed. Give these columns a value, or delete the rows, in PostgreSQL; then repeat.`,
    );
  }
  if (behind.length === 0) return;
  if (allowed) {
    progress.say(`What SQLite has no place for stays behind in PostgreSQL:\n${inLines(behind)}`);
    return;
  }
  throw new Refused(
    `PostgreSQL has data that SQLite has no place for:\n${inLines(behind)}\nNothing was changed. If it may stay behind in PostgreSQL, repeat with --allow-deletions (or CUTOVER_ALLOW_DELETIONS=1).`,
  );
}

/** All but what PostgreSQL alone works with: the relay computes it from the row. */
async function targetColumns(client: pg.Client): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `SELECT relname AS name, array_agg(attname::text ORDER BY attnum) AS columns
     FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
       AND NOT (attname = 'search_vector' AND atttypid = 'tsvector'::regtype)
     GROUP BY relname ORDER BY relname COLLATE "C"`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

async function unknownColumns(client: pg.Client, { name, columns }: Table, seen: string[]): Promise<string[]> {
  const known = columns.map((column) => column.name);
  const findings: string[] = [];
  for (const column of seen.filter((one) => !known.includes(one))) {
    const rows = await count(client, `SELECT count(${quoteIdentifier(column)}) FROM ${quoteIdentifier(name)}`);
    if (rows > 0) findings.push(`${rows} values of "${name}"."${column}", a column that the old relay does not know`);
  }
  return findings;
}

/** Where a column is NOT NULL in SQLite, as all of the relay's are, a relay that made it otherwise in PostgreSQL may have written NULL. */
async function missingValues(client: pg.Client, { name, columns }: Table, seen: string[]): Promise<string[]> {
  const findings = columns.filter((column) => !seen.includes(column.name)).map((column) => column.name);
  if (findings.length > 0) return [`"${name}" has no column ${findings.join(', ')}`];
  const counts = columns.map((column) => `count(*) - count(${quoteIdentifier(column.name)})`).join(', ');
  const { rows } = await client.query<string[]>({
    text: `SELECT ${counts} FROM ${quoteIdentifier(name)}`,
    rowMode: 'array',
  });
  return columns.flatMap((column, place) => {
    const nulls = Number(rows[0]?.[place]);
    return nulls > 0 && !column.nullable ? [`${nulls} rows of "${name}" have NULL in "${column.name}"`] : [];
  });
}

async function count(client: pg.Client, sql: string): Promise<number> {
  const { rows } = await client.query<string[]>({ text: sql, rowMode: 'array' });
  return Number(rows[0]?.[0]);
}

function inLines(findings: string[]): string {
  return findings.map((finding) => `  ${finding}`).join('\n');
}
