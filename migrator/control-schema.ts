import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { ADVISORY_LOCK_KEY, controlSchemaExists } from './authority.ts';
import type { Manifest } from './manifest.ts';
import type { Table } from './table-kinds.ts';

const LOCK_WAIT_MILLISECONDS = 60_000;

/**
 * Each statement may run again, also over a schema that an earlier version has made. A row of `run` that is nothing but a
 * name is a withdrawal (authority.ts); `written_file` has what a `reverse` was about to put in the place of the SQLite file;
 * `quarantine` has rows of the source that are not in the target, whole: `{"column": {"type", "hex"}}` (quarantine.ts).
 */
const CREATE = `
CREATE SCHEMA IF NOT EXISTS cutover;
CREATE TABLE IF NOT EXISTS cutover.authority (
  singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  holder     text NOT NULL CHECK (holder IN ('source', 'target')),
  run_id     text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS cutover.run (
  run_id      text PRIMARY KEY,
  mode        text NOT NULL,
  status      text NOT NULL,
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  message     text,
  manifest    jsonb
);
CREATE TABLE IF NOT EXISTS cutover.table_progress (
  table_name text PRIMARY KEY,
  run_id     text NOT NULL,
  rows       bigint NOT NULL,
  copied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS cutover.written_file (
  file       text NOT NULL,
  bytes      bigint NOT NULL,
  sha256     text NOT NULL,
  kept       bigint NOT NULL,
  run_id     text NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS cutover.quarantine (
  table_name   text NOT NULL,
  source_rowid bigint NOT NULL,
  reason       text NOT NULL,
  run_id       text NOT NULL,
  row_hash     bytea NOT NULL,
  row          jsonb NOT NULL,
  PRIMARY KEY (table_name, source_rowid)
);
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'cutover.run'::regclass AND conname = 'run_status_check'
                 AND pg_get_constraintdef(oid) LIKE '%withdrawn%') THEN
    ALTER TABLE cutover.run DROP CONSTRAINT IF EXISTS run_status_check,
      ADD CONSTRAINT run_status_check CHECK (status IN ('running', 'verified', 'failed', 'refused', 'withdrawn')),
      ALTER COLUMN mode SET DEFAULT 'withdrawn', ALTER COLUMN status SET DEFAULT 'withdrawn';
  END IF;
END $do$`;

/**
 * Takes the lock that lets one run at a time work on this target, waiting a minute for another run to end. It is held as
 * long as the connection lives; keepalives let the server notice a migrator that vanished.
 *
 * @param place 0 for the connection that stands for the run, other numbers for those beside it
 * @throws Error (may be repeated) when another run still holds it
 */
export async function lockTarget(client: pg.Client, place = 0): Promise<void> {
  await client.query('SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3');
  const deadline = Date.now() + LOCK_WAIT_MILLISECONDS;
  for (;;) {
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS locked', [ADVISORY_LOCK_KEY + place]);
    if (rows[0].locked) return;
    if (Date.now() > deadline) {
      throw new Error(
        `Another run of the migrator has held this target for more than ${LOCK_WAIT_MILLISECONDS / 1000} s. Let it end, or stop its task; then repeat.`,
      );
    }
    await pause(1_000);
  }
}

/** Creates schema `cutover` where it is missing; the truth is then with the source. */
export async function ensureControlSchema(client: pg.Client, runId: string): Promise<void> {
  // One transaction: killed in between, a schema without its authority row would refuse every later run.
  await client.query('BEGIN');
  try {
    await client.query(CREATE);
    await client.query("INSERT INTO cutover.authority (holder, run_id) VALUES ('source', $1) ON CONFLICT DO NOTHING", [
      runId,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Refuses to write to a target that holds the truth: it may have rows that the source never saw. Inside a transaction the
 * row stays locked until its end, so that nobody takes authority in the middle of a write.
 *
 * @throws Refused
 */
export async function assertAuthoritySource(client: pg.Client): Promise<void> {
  const { rows } = await client.query('SELECT holder, run_id, changed_at FROM cutover.authority FOR SHARE');
  if (rows[0]?.holder === 'source') return;
  throw new Refused(
    `Authority is with the target since ${rows[0]?.changed_at?.toISOString() ?? 'an unknown time'} (run ${rows[0]?.run_id ?? 'unknown'}): it may hold events that the source never saw, and a copy from the source would erase them. Nothing was changed. To go back to SQLite, run the rollback first.`,
  );
}

/**
 * Refuses to overwrite the SQLite file while it holds the truth.
 *
 * @throws Refused
 */
export async function assertAuthorityTarget(client: pg.Client): Promise<void> {
  if (!(await controlSchemaExists(client))) {
    throw new Refused(
      'There is no schema "cutover" in the target: no cutover has taken place, and the SQLite file holds the truth. Nothing was changed.',
    );
  }
  const { rows } = await client.query('SELECT holder, run_id, changed_at FROM cutover.authority');
  if (rows[0]?.holder === 'target') return;
  throw new Refused(
    `Authority is with the source since ${rows[0]?.changed_at?.toISOString() ?? 'an unknown time'} (run ${rows[0]?.run_id ?? 'unknown'}): the SQLite file holds the truth, and there is nothing to bring back. Nothing was changed.`,
  );
}

/**
 * Records that a run has begun. The same run may begin again, a repeated call does; another mode under its name would wipe
 * out what authority rests on.
 *
 * @throws Refused when a run of another mode bears the name
 */
export async function beginRun(client: pg.Client, runId: string, mode: string): Promise<void> {
  const { rowCount } = await client.query(
    `INSERT INTO cutover.run (run_id, mode, status) VALUES ($1, $2, 'running')
     ON CONFLICT (run_id) DO UPDATE SET status = 'running', started_at = clock_timestamp(), finished_at = NULL, message = NULL, manifest = NULL
     WHERE run.mode = $2`,
    [runId, mode],
  );
  if (rowCount === 0)
    throw new Refused(
      `The run id "${runId}" belongs to a run of another mode than ${mode}. Set CUTOVER_RUN_ID to a new one.`,
    );
}

export async function endRun(
  client: pg.Client,
  runId: string,
  end: { status: 'verified'; manifest: Manifest } | { status: 'failed' | 'refused'; message: string },
): Promise<void> {
  await client.query(
    'UPDATE cutover.run SET status = $2, finished_at = clock_timestamp(), message = $3, manifest = $4 WHERE run_id = $1',
    [runId, end.status, 'message' in end ? end.message : null, 'manifest' in end ? JSON.stringify(end.manifest) : null],
  );
}

/** Names of the tables that an earlier run, or this one, has copied whole; one that was dropped since has to be copied again. */
export async function copiedTables(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query(
    "SELECT table_name FROM cutover.table_progress WHERE to_regclass(format('public.%I', table_name)) IS NOT NULL",
  );
  return new Set(rows.map((row) => row.table_name as string));
}

/** Records that the source accounts for all rows of a table of the target. */
export async function recordCopied(client: pg.Client, table: string, runId: string, rows: number): Promise<void> {
  await client.query(
    `INSERT INTO cutover.table_progress (table_name, run_id, rows) VALUES ($1, $2, $3)
     ON CONFLICT (table_name) DO UPDATE SET run_id = $2, rows = $3, copied_at = clock_timestamp()`,
    [table, runId, rows],
  );
}

/**
 * Creates the role with which the Lambda functions sign in: it reads the migrated tables and schema `cutover`, and may
 * change nothing but authority and withdraw runs. On RDS it signs in by IAM; the owner of the database is left alone, since membership in
 * `rds_iam` would end its password.
 */
export async function grantVerifier(client: pg.Client, role: string, tables: Table[]): Promise<void> {
  const name = pg.escapeIdentifier(role);
  await client.query(`DO $do$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${pg.escapeLiteral(role)}) THEN CREATE ROLE ${name} LOGIN; END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN GRANT rds_iam TO ${name}; END IF;
  END $do$`);
  await client.query(`GRANT USAGE ON SCHEMA public, cutover TO ${name}`);
  await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA cutover TO ${name}`);
  await client.query(`GRANT UPDATE ON cutover.authority TO ${name}`);
  // The other columns' defaults make the row a withdrawal: with a mode or a status of its own choice it could feign a run.
  await client.query(`GRANT INSERT (run_id) ON cutover.run TO ${name}`);
  for (const table of tables) await client.query(`GRANT SELECT ON ${pg.escapeIdentifier(table.name)} TO ${name}`);
}
