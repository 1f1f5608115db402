import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

/**
 * Refuses a target that holds rows which no run of the migrator brought there: they are somebody's data, and a copy over
 * them would erase them or be mixed with them.
 *
 * @throws Refused with every table that has such rows
 */
export async function assertNoForeignRows(client: pg.Client, tables: Table[]): Promise<void> {
  const findings: string[] = [];
  const { rows: control } = await client.query("SELECT to_regclass('cutover.table_progress') IS NOT NULL AS there");
  const copied = new Set<string>();
  if (control[0].there) {
    for (const row of (await client.query('SELECT table_name FROM cutover.table_progress')).rows)
      copied.add(row.table_name);
  }
  for (const table of tables.filter(({ name }) => !copied.has(name))) {
    const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [quoteIdentifier(table.name)]);
    if (!rows[0].there) continue;
    const { rows: counted } = await client.query(
      `SELECT count(*)::float8 AS count FROM ${quoteIdentifier(table.name)}`,
    );
    if (counted[0].count > 0) findings.push(`"${table.name}" has ${counted[0].count} rows`);
  }
  for (const name of copied) {
    if (!tables.some((table) => table.name === name))
      findings.push(`"${name}" was copied by an earlier run, and the source has no such table any more`);
  }
  if (findings.length === 0) return;
  throw new Refused(
    `The target holds rows that this source does not account for: ${findings.join('; ')}. Nothing was changed. Check DATABASE_URL; if the rows are not needed, drop these tables (and their rows of cutover.table_progress), then repeat.`,
  );
}
