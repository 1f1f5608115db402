import type pg from 'pg';
import { NotYet, Refused } from '../statemachine/errors.ts';

/** Any number, the same for every version of the migrator: one run at a time for each target database. */
export const ADVISORY_LOCK_KEY = 7_316_422_871;

export interface AuthorityState {
  /** Who holds the truth: the SQLite file, or PostgreSQL. */
  holder: 'source' | 'target';
  /** The run that changed it last; null when no migrator has run yet. */
  runId: string | null;
  /** A `load` or `reconcile` has ended verified. */
  loaded: boolean;
}

export async function controlSchemaExists(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass('cutover.authority') IS NOT NULL AS there");
  return rows[0].there;
}

/** Reads who holds the truth. A target without schema `cutover` has never been written to by a migrator. */
export async function readAuthority(client: pg.Client): Promise<AuthorityState> {
  if (!(await controlSchemaExists(client))) return { holder: 'source', runId: null, loaded: false };
  const { rows } = await client.query(
    "SELECT holder, run_id, EXISTS (SELECT FROM cutover.run WHERE status = 'verified') AS loaded FROM cutover.authority",
  );
  if (!rows[0])
    throw new Refused(
      'The table cutover.authority is empty: expected one row. Restore the target from a backup, or load it anew.',
    );
  return { holder: rows[0].holder, runId: rows[0].run_id, loaded: rows[0].loaded };
}

/**
 * Makes the target the truth, by compare-and-set: only from `source`, only for the newest run, and only when that run was
 * a verified reconcile. Done twice, it changes nothing more.
 *
 * @throws NotYet while a migrator works on the target, Refused when another run or another state is found
 */
export async function takeAuthority(client: pg.Client, runId: string): Promise<AuthorityState> {
  await client.query('BEGIN');
  try {
    // Whoever asks gives up after a minute and then believes what it reads: this must not take authority after that.
    await client.query("SET LOCAL statement_timeout TO '10s'");
    const { rows: lock } = await client.query('SELECT pg_try_advisory_xact_lock($1) AS free', [ADVISORY_LOCK_KEY]);
    if (!lock[0].free)
      throw new NotYet('A migrator is still at work on the target; authority can be taken when it has ended.');
    await client.query(
      `UPDATE cutover.authority SET holder = 'target', run_id = $1, changed_at = now()
       WHERE holder = 'source' AND $1 = (SELECT run_id FROM cutover.run ORDER BY started_at DESC LIMIT 1)
         AND EXISTS (SELECT FROM cutover.run WHERE run_id = $1 AND mode = 'reconcile' AND status = 'verified')`,
      [runId],
    );
    const state = await readAuthority(client);
    if (state.holder !== 'target' || state.runId !== runId) {
      throw new Refused(
        `Authority was not taken: it is with the ${state.holder} by run ${state.runId}, and the newest run must be the verified reconcile ${runId}. Nothing was changed.`,
      );
    }
    await client.query('COMMIT');
    return state;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
