import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { assertAuthoritySource } from './control-schema.ts';
import { GENERIC_KIND } from './generic-table.ts';
import type { Progress } from './progress.ts';
import type { TableChoice } from './table-choice.ts';
import { type Column, quoteIdentifier, SQL_TYPES, type Table } from './table-kinds.ts';

/** By the names that PostgreSQL gives them. */
const TYPES = Object.fromEntries(Object.entries(SQL_TYPES).map(([type, name]) => [name, type])) as Record<
  string,
  Column['type'] | undefined
>;

interface ColumnRow {
  name: string;
  type: string;
  nullable: boolean;
}

/** @throws Refused when one has a type that no generic table is made with */
async function columnsInTarget(client: pg.Client, names: string[]): Promise<Map<string, Column[]>> {
  const tables = new Map<string, Column[]>();
  const findings: string[] = [];
  for (const table of names) {
    const rows = await readColumns(client, table);
    if (rows.length === 0) continue;
    for (const { name, type } of rows.filter((row) => TYPES[row.type] === undefined))
      findings.push(`"${table}"."${name}" has the type ${type}`);
    tables.set(
      table,
      rows.map(({ name, type, nullable }) => ({
        ...{ name, type: TYPES[type] ?? 'text' },
        ...(nullable && { nullable: true as const }),
      })),
    );
  }
  if (findings.length === 0) return tables;
  throw new Refused(
    `The target's types of generic tables are not those of a load: ${findings.join('; ')}; expected ${Object.keys(TYPES).join(', ')}. Nothing was changed. Change them back, then repeat.`,
  );
}

/** What is to become of tables of no known kind on the way back, where the target says what generic tables look like. */
export async function choiceOnWayBack(client: pg.Client, choice: TableChoice): Promise<TableChoice> {
  return { ...choice, inTarget: await columnsInTarget(client, choice.generic) };
}

/** In what the target's table is not the one that this source needs, one phrase each: its values may have other types since the load. */
export async function shapeDifferences(
  client: pg.Client,
  { name, kind, columns, keys = [] }: Table,
): Promise<string[]> {
  if (kind !== GENERIC_KIND) return [];
  const said = (list: ColumnRow[]): string[] =>
    list.map((column) => `${column.name} ${column.type}${column.nullable ? '' : ' NOT NULL'}`);
  const needed = said(
    columns.map((column) => ({ ...column, type: SQL_TYPES[column.type], nullable: column.nullable ?? false })),
  );
  const seen = said(await readColumns(client, name));
  const { rows } = await client.query<{ name: string }>(
    "SELECT conname AS name FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype IN ('p', 'u')",
    [quoteIdentifier(name)],
  );
  const obsolete = rows.filter((row) => !keys.some((key) => key.name === row.name)).map((row) => row.name);
  return [
    ...(JSON.stringify(seen) === JSON.stringify(needed)
      ? []
      : [`it has the columns ${seen.join(', ')}, and the values of the source need ${needed.join(', ')}`]),
    ...(obsolete.length > 0 ? [`it has the keys ${obsolete.join(', ')}, which the source has not`] : []),
  ];
}

/**
 * Drops generic tables of earlier loads that the values of the source do not fit any more, so that they are copied anew.
 * All their rows come from the source, which holds the truth.
 */
export async function dropChangedTables(client: pg.Client, tables: Table[], progress: Progress): Promise<void> {
  for (const table of tables) {
    const differences = await shapeDifferences(client, table);
    if (differences.length === 0) continue;
    await client.query('BEGIN');
    try {
      await assertAuthoritySource(client);
      await client.query(`DROP TABLE ${quoteIdentifier(table.name)}`);
      await client.query('DELETE FROM cutover.table_progress WHERE table_name = $1', [table.name]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
    progress.say(`The target's table "${table.name}" is copied anew: ${differences.join('; ')}.`);
    progress.moment(`changed table dropped: ${table.name}`);
  }
}

async function readColumns(client: pg.Client, table: string): Promise<ColumnRow[]> {
  const { rows } = await client.query<ColumnRow>(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable
     FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [quoteIdentifier(table)],
  );
  return rows;
}
