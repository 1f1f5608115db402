import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { GENERIC_KIND } from './generic-table.ts';
import type { Progress } from './progress.ts';
import { type TablePlan, workColumn } from './reverse-plan.ts';
import type { Source } from './source.ts';
import { classify, quoteIdentifier, type Table } from './table-kinds.ts';

const DELETIONS_LISTED_MAX = 20;
const DELETIONS_MAX = 10;
const DELETED_SHARE_MAX = 0.01;

/** Makes the copy ready to be written to; until it is closed, all that is done to it is one transaction. */
export function beginWriting(source: Source, progress: Progress): void {
  const { database } = source;
  // What differs may be as large as the tables; it goes into SQLite's temporary files and not into memory.
  database.pragma('temp_store = FILE');
  const referring = tablesThatRefer(source);
  database.pragma(`foreign_keys = ${referring.length === 0 ? 'ON' : 'OFF'}`);
  if (referring.length > 0)
    progress.say(
      `Foreign keys are not kept on the way back, since PostgreSQL has not those of ${referring.join(', ')}: a row there may refer to one that PostgreSQL has no longer.`,
    );
  // The copy goes when the process does. What is to stay is flushed where it is to stay.
  database.pragma('synchronous = OFF');
  database.exec('BEGIN IMMEDIATE');
}

/** Generic and excluded tables with foreign keys: by these, a deletion of an event would take rows along that are to stay, or fail. */
function tablesThatRefer({ database, tables, excluded }: Source): string[] {
  const generic = tables.filter(({ kind }) => kind === GENERIC_KIND).map(({ name }) => name);
  return [...generic, ...excluded.map(({ table }) => table)].filter(
    (name) => (database.pragma(`foreign_key_list(${quoteIdentifier(name)})`) as object[]).length > 0,
  );
}

/**
 * Creates in the copy what a relay may come to have in PostgreSQL only.
 *
 * @returns whether anything was created
 * @throws Refused when the target has rows in a table that the source has not, and that only a relay can make
 */
export async function createMissingTables(client: pg.Client, source: Source): Promise<boolean> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname COLLATE "C"`,
  );
  const there = new Set(source.tables.map(({ name }) => name));
  const tables = rows
    .map(({ name }) => classify(name))
    .filter((table): table is Table => typeof table !== 'string' && !there.has(table.name));
  const findings: string[] = [];
  let created = false;
  for (const table of tables) {
    const { count } = (await client.query(`SELECT count(*)::float8 AS count FROM ${quoteIdentifier(table.name)}`))
      .rows[0];
    if (count === 0) continue;
    if (table.createInSource === undefined) {
      findings.push(`"${table.name}" has ${count} rows`);
      continue;
    }
    for (const statement of table.createInSource) source.database.exec(statement);
    source.tables.push(table);
    created = true;
  }
  if (findings.length === 0) return created;
  throw new Refused(
    `PostgreSQL has tables that the SQLite file has not: ${findings.join('; ')}. Their rows would be lost on the way back, and nothing was changed. Create these tables in the SQLite file as the relay does, or drop them in PostgreSQL if their rows are not needed; then repeat.`,
  );
}

/**
 * Lists what the way back will delete.
 *
 * @throws Refused when it is more than is usual, or all of a table, and was not allowed
 */
export function reviewDeletions(
  plans: TablePlan[],
  database: Database.Database,
  allowed: boolean,
  progress: Progress,
): void {
  const lines: string[] = [];
  let tooMany = false;
  for (const plan of plans.filter(({ deleted }) => deleted > 0)) {
    const { table, rows, inserted, updated, deleted, kept } = plan;
    const limit = Math.max(DELETIONS_MAX, Math.floor(rows * DELETED_SHARE_MAX));
    const emptied = rows - deleted - kept.rows + inserted === 0 && updated === 0;
    const why = emptied ? ', which is empty in PostgreSQL' : deleted > limit ? `, where ${limit} would be usual` : '';
    tooMany ||= why !== '';
    lines.push(`  ${deleted} of ${rows} rows of "${table.name}"${why}:`, ...list(plan, database));
  }
  if (lines.length === 0) return;
  if (tooMany && !allowed) {
    throw new Refused(
      `The way back would delete rows that SQLite has and PostgreSQL has not. Nothing was changed. If the new relay did delete them, repeat with --allow-deletions (or CUTOVER_ALLOW_DELETIONS=1); else look first where they went.\n${lines.join('\n')}`,
    );
  }
  progress.say(`Rows that PostgreSQL has no longer and that go from SQLite too:\n${lines.join('\n')}`);
}

function list({ table, deleted, work }: TablePlan, database: Database.Database): string[] {
  const columns = table.key === undefined ? table.columns.map(({ name }) => name) : [table.key];
  const shown = columns
    .map(quoteIdentifier)
    .map((name) => `coalesce(CASE typeof(${name}) WHEN 'blob' THEN hex(${name}) ELSE ${name} END, 'NULL')`)
    .join(" || ' ' || ");
  const rows = database
    .prepare(
      `SELECT substr(${shown}, 1, 160) FROM main.${quoteIdentifier(table.name)} WHERE rowid IN (SELECT rid FROM ${work.ours} WHERE NOT replaced) ORDER BY rowid LIMIT ${DELETIONS_LISTED_MAX}`,
    )
    .pluck()
    .all() as string[];
  const more = deleted > rows.length ? [`    and ${deleted - rows.length} more`] : [];
  return [...rows.map((row) => `    ${JSON.stringify(row)}`), ...more];
}

/**
 * Does what is planned, by statements on the relay's own tables, so that its triggers keep the full-text index. A row that
 * replaces another is an UPDATE: deleting the old one would take its tags along.
 */
export function applyPlans(plans: TablePlan[], database: Database.Database, progress: Progress): void {
  for (const { table, work, inserted, updated, deleted } of plans) {
    const name = `main.${quoteIdentifier(table.name)}`;
    const names = table.columns.map((column) => quoteIdentifier(column.name));
    if (updated > 0) {
      database.exec(`CREATE INDEX ${work.theirs}_rid ON ${work.theirs.replace('temp.', '')} (rid)`);
      const changes = names.map((column, place) => `${column} = t.${workColumn(place)}`).join(', ');
      database.exec(`UPDATE ${name} AS m SET ${changes} FROM ${work.theirs} AS t WHERE t.rid = m.rowid`);
    }
    // Tags of deleted events are gone already, by the foreign key. A generic row that replaces others comes after they are gone.
    if (deleted + updated > 0) database.exec(`DELETE FROM ${name} WHERE rowid IN (SELECT rid FROM ${work.ours})`);
    if (inserted + updated > 0) {
      database.exec(
        `INSERT INTO ${name} (${names.join(', ')}) SELECT ${names.map((_, place) => workColumn(place)).join(', ')} FROM ${work.theirs} WHERE rid IS NULL ORDER BY place`,
      );
    }
    progress.say(`Brought back ${table.name}: +${inserted} ~${updated} -${deleted} rows`);
    progress.moment(`delta applied: ${table.name}`);
  }
}

/**
 * Commits what was done to the copy, brings it all into the one file, and closes it.
 *
 * @throws Error when it is not sound
 */
export function closeCopy({ database, copy }: Source): void {
  database.exec('COMMIT');
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  const left = ['-wal', '-journal'].filter((suffix) => existsSync(copy.path + suffix));
  const reopened = new Database(copy.path, { fileMustExist: true });
  reopened.pragma('locking_mode = EXCLUSIVE');
  const findings = (reopened.pragma('quick_check(5)') as { quick_check: string }[])
    .map((row) => row.quick_check)
    .join('; ');
  reopened.close();
  if (findings === 'ok' && left.length === 0) return;
  throw new Error(
    `The new SQLite file is not sound (${left.length > 0 ? `something stands in its ${left.join(' and ')}` : findings}). The old one was not touched; repeat.`,
  );
}
