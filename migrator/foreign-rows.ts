import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { controlSchemaExists } from './authority.ts';
import { assertAuthoritySource, copiedTables, recordCopied } from './control-schema.ts';
import type { TableDigest } from './digest.ts';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import type { ExcludedTable } from './table-choice.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';
import { tableExists, targetDigest } from './verify-table.ts';

/** A table of the target that no run of the migrator made and that has exactly the source's rows. */
export interface EqualTable {
  table: Table;
  digest: TableDigest;
}

/**
 * Refuses a target that holds rows which no run of the migrator brought there, unless the source has the very same: they are
 * somebody's data, and a copy over them would erase them or be mixed with them.
 *
 * @param compare looks whether a table has the same rows; without it, any row is refused
 * @returns the tables that are equal although no run has brought them
 * @throws Refused with every table that has other rows, and some of these rows
 */
export async function assertNoForeignRows(
  client: pg.Client,
  { tables, excluded }: Source,
  compare?: (table: Table) => Promise<TableDigest | string>,
): Promise<EqualTable[]> {
  const findings: string[] = [];
  const equal: EqualTable[] = [];
  const copied = (await controlSchemaExists(client)) ? await copiedTables(client) : new Set<string>();
  for (const table of tables.filter(({ name }) => !copied.has(name))) {
    const count = (await tableExists(client, table.name)) ? await countRows(client, table.name) : 0;
    if (count === 0) continue;
    const digest = await compare?.(table);
    if (typeof digest === 'object') equal.push({ table, digest });
    else findings.push(`"${table.name}" has ${count} rows${digest === undefined ? '' : ` (${digest})`}`);
  }
  refuse([...findings, ...unaccounted(copied, tables, excluded)]);
  return equal;
}

/**
 * Takes tables that are equal for copied, each in a transaction in which nobody else writes to it.
 *
 * @throws Refused when one has other rows by now, or authority is with the target
 */
export async function adoptTables(
  client: pg.Client,
  tables: EqualTable[],
  runId: string,
  progress: Progress,
): Promise<void> {
  for (const { table, digest } of tables) {
    await client.query('BEGIN');
    try {
      await assertAuthoritySource(client);
      await client.query(`LOCK TABLE ${quoteIdentifier(table.name)} IN SHARE MODE`);
      if ((await targetDigest(client, table))?.digest !== digest.digest)
        refuse([`"${table.name}" had the same rows a moment ago, and somebody has changed them`]);
      await recordCopied(client, table.name, runId, digest.rows);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
    progress.say(`${table.name} stands in the target already, with the same ${digest.rows} rows; it is taken over.`);
    progress.moment(`table adopted: ${table.name}`);
  }
}

/**
 * Refuses a source without a table that an earlier run has copied: whatever is said of the others, that one is not equal.
 *
 * @param concerns whether a table is looked at
 * @throws Refused with every such table
 */
export async function assertAllAccounted(
  client: pg.Client,
  { tables, excluded }: Source,
  concerns: (name: string) => boolean = () => true,
): Promise<void> {
  if (!(await controlSchemaExists(client))) return;
  const copied = [...(await copiedTables(client))].filter(concerns);
  refuse(unaccounted(new Set(copied), tables, excluded));
}

function unaccounted(copied: Set<string>, tables: Table[], excluded: ExcludedTable[]): string[] {
  return [...copied]
    .filter((name) => !tables.some((table) => table.name === name))
    .map((name) =>
      excluded.some(({ table }) => table === name)
        ? `"${name}" was copied by an earlier run, and is excluded now (repeat with --generic ${name} if it is to go over)`
        : `"${name}" was copied by an earlier run, and the source has no such table any more`,
    );
}

/**
 * Removes empty tables that stand where `tables` are to be copied: a relay makes its tables at boot. They are locked
 * while they are counted, and go together, since they refer to each other.
 *
 * @throws Refused when one of them has rows by now, or authority is with the target
 */
export async function dropEmptyTables(client: pg.Client, tables: Table[]): Promise<void> {
  if (tables.length === 0) return;
  await client.query('BEGIN');
  try {
    await assertAuthoritySource(client);
    const findings: string[] = [];
    for (const { name } of tables) {
      if (!(await tableExists(client, name))) continue;
      await client.query(`LOCK TABLE ${quoteIdentifier(name)} IN ACCESS EXCLUSIVE MODE`);
      const count = await countRows(client, name);
      if (count > 0) findings.push(`"${name}" has ${count} rows`);
    }
    refuse(findings);
    await client.query(`DROP TABLE IF EXISTS ${tables.map(({ name }) => quoteIdentifier(name)).join(', ')}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Removes tables that a run has copied, and the word of it: nothing of a source that is refused stays behind. */
export async function dropCopied(client: pg.Client, tables: Table[]): Promise<void> {
  if (tables.length === 0) return;
  const names = tables.map(({ name }) => name);
  const functions = tables.flatMap((table) => table.functions ?? []);
  await client.query('BEGIN');
  try {
    await assertAuthoritySource(client);
    await client.query(`DROP TABLE ${names.map(quoteIdentifier).join(', ')}`);
    if (functions.length > 0) await client.query(`DROP FUNCTION ${functions.join(', ')}`);
    await client.query('DELETE FROM cutover.table_progress WHERE table_name = ANY ($1)', [names]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function countRows(client: pg.Client, name: string): Promise<number> {
  return (await client.query(`SELECT count(*)::float8 AS count FROM ${quoteIdentifier(name)}`)).rows[0].count;
}

function refuse(findings: string[]): void {
  if (findings.length === 0) return;
  throw new Refused(
    `The target holds rows that this source does not account for: ${findings.join('; ')}. Nothing was changed. Check DATABASE_URL; if the rows are not needed, drop these tables (and their rows of cutover.table_progress), then repeat.`,
  );
}
