import type pg from 'pg';
import { NotYet, Refused } from '../statemachine/errors.ts';

/** Any number, the same for every version of the migrator: one run at a time for each target database. */
export const ADVISORY_LOCK_KEY = 7_316_422_871;

export interface AuthorityState {
  /** Who holds the truth: the SQLite file, or PostgreSQL. */
  holder: 'source' | 'target';
  /** The run that changed it last; null when no migrator has run yet. */
  runId: string | null;
  /** ISO time of that change; null when no migrator has run yet. */
  changedAt: string | null;
  /** ISO time at which the newest verified `load` or `reconcile` ended; null when there is none. */
  loadedAt: string | null;
  /** Of that run: the rows of all tables, and how long it took. 0 when there is none. */
  loadedRows: number;
  loadSeconds: number;
}

/** The newest run that brought rows over and was verified. */
const NEWEST_LOAD = `
  SELECT finished_at AS loaded_at,
         (SELECT sum((manifested->>'rows')::float8) FROM jsonb_array_elements(manifest->'tables') manifested) AS loaded_rows,
         extract(epoch FROM finished_at - started_at)::float8 AS load_seconds
  FROM cutover.run WHERE status = 'verified' AND mode IN ('load', 'reconcile')
  ORDER BY finished_at DESC LIMIT 1`;

export async function controlSchemaExists(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass('cutover.authority') IS NOT NULL AS there");
  return rows[0].there;
}

/** Reads who holds the truth. A target without schema `cutover` has never been written to by a migrator. */
export async function readAuthority(client: pg.Client): Promise<AuthorityState> {
  if (!(await controlSchemaExists(client)))
    return { holder: 'source', runId: null, changedAt: null, loadedAt: null, loadedRows: 0, loadSeconds: 0 };
  const { rows } = await client
    .query(
      `SELECT holder, run_id, changed_at, loaded_at, loaded_rows, load_seconds FROM cutover.authority LEFT JOIN (${NEWEST_LOAD}) load ON true`,
    )
    .catch((cause: Error & { code?: string }) => {
      // A value that is none of its kind, in a manifest.
      throw cause.code?.startsWith('22') ? notOfMigrator('cutover.run', cause.message) : cause;
    });
  if (!rows[0])
    throw new Refused(
      'The table cutover.authority is empty: expected one row. Restore the target from a backup, or load it anew.',
    );
  return {
    holder: rows[0].holder,
    runId: rows[0].run_id,
    changedAt: isoTime('cutover.authority', rows[0].changed_at),
    loadedAt: rows[0].loaded_at === null ? null : isoTime('cutover.run', rows[0].loaded_at),
    loadedRows: rows[0].loaded_rows ?? 0,
    loadSeconds: rows[0].load_seconds ?? 0,
  };
}

/** A timestamp of PostgreSQL may be infinite, or of a year that no Date has. */
function isoTime(table: string, value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  throw notOfMigrator(table, `a time is ${value}`);
}

function notOfMigrator(table: string, seen: string): Refused {
  return new Refused(
    `The table ${table} holds what no migrator writes: ${seen}. Somebody else wrote to it. Look at its rows and correct them, or restore the target from a backup; then repeat.`,
  );
}

/**
 * Makes the target the truth, by compare-and-set: only from `source`, only for the newest run, and only when that run was
 * a verified reconcile. Done twice, it changes nothing more.
 *
 * @throws NotYet while a migrator works on the target, Refused when another run or another state is found
 */
export function takeAuthority(client: pg.Client, runId: string): Promise<AuthorityState> {
  return moveAuthority(client, runId, { from: 'source', to: 'target', mode: 'reconcile', outcome: 'taken' });
}

/**
 * Makes the source the truth again, by compare-and-set: only from `target`, only for the newest run, and only when that
 * run was a verified reverse. Done twice, it changes nothing more.
 *
 * @throws NotYet while a migrator works on the target, Refused when another run or another state is found
 */
export function returnAuthority(client: pg.Client, runId: string): Promise<AuthorityState> {
  return moveAuthority(client, runId, { from: 'target', to: 'source', mode: 'reverse', outcome: 'returned' });
}

/**
 * Makes sure that no run there is can take authority any more: the newest run is then none of the migrator's. Whoever
 * starts the old relay does this first. Where the target holds authority, or no migrator has run yet, nothing is changed.
 * Done twice, it changes nothing more.
 *
 * @param runId names the record of it; where a run of that name is there already, another one is made of it
 */
export function withdrawRuns(client: pg.Client, runId: string): Promise<AuthorityState> {
  return transaction(client, async () => {
    if (!(await controlSchemaExists(client))) return readAuthority(client);
    // Whoever takes authority at the same moment has it before this looks, or finds this record when it looks. Migrators,
    // which lock the row likewise for as long as they write, are not waited for: their run is older than the record.
    await client.query('SELECT FROM cutover.authority FOR SHARE');
    // The role of the functions may give the name alone: the columns' defaults make it a withdrawal and nothing else.
    await client.query(
      `INSERT INTO cutover.run (run_id)
       SELECT $1 || CASE WHEN EXISTS (SELECT FROM cutover.run WHERE run_id = $1) THEN '/' || (SELECT count(*) FROM cutover.run) ELSE '' END
       WHERE (SELECT holder FROM cutover.authority) = 'source'
         AND (SELECT mode FROM cutover.run ORDER BY started_at DESC LIMIT 1) IS DISTINCT FROM 'withdrawn'`,
      [runId],
    );
    return readAuthority(client);
  });
}

interface Move {
  from: AuthorityState['holder'];
  to: AuthorityState['holder'];
  /** What the newest run must have been. */
  mode: string;
  /** The word for it in a refusal. */
  outcome: string;
}

function moveAuthority(client: pg.Client, runId: string, { from, to, mode, outcome }: Move): Promise<AuthorityState> {
  return transaction(client, async () => {
    const { rows: lock } = await client.query('SELECT pg_try_advisory_xact_lock($1) AS free', [ADVISORY_LOCK_KEY]);
    if (!lock[0].free)
      throw new NotYet(`A migrator is still at work on the target; authority can be ${outcome} when it has ended.`);
    // In a statement before the one that looks for the newest run: that one then sees what a withdrawal has recorded.
    if (await controlSchemaExists(client)) await client.query('SELECT FROM cutover.authority FOR UPDATE');
    await client.query(
      `UPDATE cutover.authority SET holder = $2, run_id = $1, changed_at = now()
       WHERE holder = $3 AND $1 = (SELECT run_id FROM cutover.run ORDER BY started_at DESC LIMIT 1)
         AND EXISTS (SELECT FROM cutover.run WHERE run_id = $1 AND mode = $4 AND status = 'verified')`,
      [runId, to, from, mode],
    );
    const state = await readAuthority(client);
    if (state.holder !== to || state.runId !== runId) {
      throw new Refused(
        `Authority was not ${outcome}: it is with the ${state.holder} by run ${state.runId}, and the newest run must be the verified ${mode} ${runId}. Nothing was changed.`,
      );
    }
    return state;
  });
}

async function transaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    // Whoever asks gives up after a minute and then believes what it reads: this must not change authority after that.
    await client.query("SET LOCAL statement_timeout TO '10s'");
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
