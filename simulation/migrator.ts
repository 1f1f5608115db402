import type pg from 'pg';
import { controlSchemaExists } from '../migrator/authority.ts';
import { assertAuthoritySource, assertAuthorityTarget, beginRun, endRun } from '../migrator/control-schema.ts';
import { isKnown, recordWrittenFile } from '../migrator/known-files.ts';
import type { Manifest, TableManifest } from '../migrator/manifest.ts';
import { Refused } from '../statemachine/errors.ts';
import type { VirtualClock } from './clock.ts';
import type { ModelConnection, Postgres } from './postgres.ts';
import { copyOf, digestOf, EVENTS, emptyTables, type Rows, TABLES, TAGS, type Tables } from './rows.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** What a task of the migrator is started with, and works on. */
export interface MigratorWorld {
  clock: VirtualClock;
  file: SqliteFile;
  postgres: Postgres;
  /** Called between any two things that it does; rejects when the task is killed. */
  step(moment: string): Promise<void>;
  /** Opens a connection that ends with the task. */
  connect(): ModelConnection;
  /** Hears why a run ended badly: what the container's log has. */
  log(line: string): void;
  /** Whether it leaves out a row and does not see it: what the verification is for. */
  errs: boolean;
  /** What the archive got. */
  archive(tables: Tables, fileSystem: string | null): void;
}

const PASSES_MAX = 3;
const LOCK_WAIT_SECONDS = 60;

/** The order of things in `migrator/run.ts`, `reverse.ts`, `check-reverse.ts` and `archive.ts`, over rows in memory. @returns the exit code */
export async function runMigrator(
  world: MigratorWorld,
  mode: string,
  environment: Map<string, string>,
): Promise<number> {
  const runId = environment.get('CUTOVER_RUN_ID') ?? '';
  let connection: ModelConnection | undefined;
  try {
    await world.step('begun');
    if (world.file.isGone) throw new Refused('There is no SQLite file.');
    connection = world.connect();
    await takeLock(world, connection);
    const job = { ...world, connection, client: connection.client, runId, mode };
    if (mode === 'load' || mode === 'reconcile') await bringOver(job);
    else if (mode === 'reverse') await reverse(job);
    else if (mode === 'check-reverse') await checkReverse(job);
    else if (mode === 'archive') await archive(job, environment.get('CUTOVER_ARCHIVE_FILE_SYSTEM') ?? null);
    else throw new Refused(`The migrator has no mode "${mode}".`);
    return 0;
  } catch (error) {
    world.log(`${mode} ended with ${(error as Error).message}`);
    return error instanceof Refused ? 2 : 1;
  } finally {
    connection?.close();
  }
}

interface Job extends MigratorWorld {
  connection: ModelConnection;
  client: pg.Client;
  runId: string;
  mode: string;
}

async function takeLock({ clock }: MigratorWorld, connection: ModelConnection): Promise<void> {
  for (let waited = 0; !connection.tryLock(); waited += 1) {
    if (waited > LOCK_WAIT_SECONDS) throw new Error('Another run of the migrator has held this target for too long.');
    await clock.sleep(1);
    await connection.client.query('SELECT 1 AS alive');
  }
}

/** `load` may be late; `reconcile` ends only when the file has not changed meanwhile. */
async function bringOver(job: Job): Promise<void> {
  const { client, file, postgres, mode, runId } = job;
  if (await controlSchemaExists(client)) await assertAuthoritySource(client);
  else if (mode === 'reconcile') throw new Refused('There is no schema "cutover" in the target: no load has run.');
  postgres.createControlSchema();
  await client.query("INSERT INTO cutover.authority (holder, run_id) VALUES ('source', $1) ON CONFLICT DO NOTHING", [
    runId,
  ]);
  await beginRun(client, runId, mode);
  await job.step('run begun');
  await recorded(job, async () => {
    for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
      const source = file.copy();
      await settle(job, source.tables);
      if (mode === 'load' || source.version === file.version) {
        const tables = TABLES.map(({ table, kind }) => tableManifest(table, kind, source.tables[table]));
        await job.step('before the manifest');
        await endRun(client, runId, { status: 'verified', manifest: manifestOf(job, tables, source.version) });
        await job.step('run verified');
        return;
      }
    }
    throw new Error(`The source was written to during each of ${PASSES_MAX} passes.`);
  });
}

/** Makes the target equal to a copy of the source: all of it in one transaction, in which authority is looked at again. */
async function settle(job: Job, source: Tables): Promise<void> {
  const { client, connection, postgres } = job;
  await job.step('copy read');
  await client.query('BEGIN');
  try {
    await assertAuthoritySource(client);
    await job.step('delta');
    connection.onCommit(() => {
      for (const { table } of TABLES) makeEqual(postgres.tables[table], source[table]);
      if (job.errs) leaveOut(postgres.tables);
    });
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
  await job.step('delta committed');
}

function leaveOut(tables: Tables): void {
  const { [EVENTS]: rows } = tables;
  for (const row of [...rows.keys()].slice(-1)) rows.delete(row);
}

function makeEqual(rows: Rows, to: Rows): void {
  for (const row of rows.keys()) if (!to.has(row)) rows.delete(row);
  for (const [row, times] of to) rows.set(row, times);
}

/** The way back: a new file is made beside the old one and takes its place in one exchange. */
async function reverse(job: Job): Promise<void> {
  const { client, runId, file } = job;
  await assertAuthorityTarget(client);
  await beginRun(client, runId, job.mode);
  await job.step('run begun');
  await recorded(job, async () => {
    for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
      const source = file.copy();
      await job.step('copy read');
      const { tables, kept, isChanged } = await planReverse(job, source);
      const version = file.nextVersion();
      if (isChanged) {
        const content = contentOf(version);
        await recordWrittenFile(client, runId, content, kept[EVENTS].size + kept[TAGS].size);
        await job.step('new file recorded');
        await assertAuthorityTarget(client);
        await job.step('before the exchange');
        if (job.errs) leaveOut(tables);
        if (!file.swap(tables, source.version, version)) continue;
        await job.step('files exchanged');
      } else if (file.version !== source.version) continue;
      // Of what the file has now, without what it kept: the target has to show the same.
      const manifest = TABLES.map(({ table, kind }) =>
        tableManifest(table, kind, without(file.tables[table], kept[table])),
      );
      await endRun(client, runId, { status: 'verified', manifest: manifestOf(job, manifest, file.version) });
      await job.step('run verified');
      return;
    }
    throw new Error(`The SQLite file was written to during each of ${PASSES_MAX} passes.`);
  });
}

/** What the file has to become: the target's rows, and those of its own where a relay may have written to it meanwhile. */
async function planReverse(
  { client, postgres }: Job,
  source: { tables: Tables; version: number },
): Promise<{ tables: Tables; kept: Tables; isChanged: boolean }> {
  const keeps = !(await isKnown(client, [contentOf(source.version)]));
  const target = copyOf(postgres.tables);
  const tables = copyOf(target);
  const kept = emptyTables();
  let isChanged = false;
  for (const { table } of TABLES) {
    for (const [row, times] of source.tables[table]) {
      if (target[table].has(row)) continue;
      if (keeps) {
        tables[table].set(row, times);
        kept[table].set(row, times);
      } else isChanged = true;
    }
    for (const row of target[table].keys()) isChanged ||= !source.tables[table].has(row);
  }
  return { tables, kept, isChanged };
}

function without(rows: Rows, some: Rows): Rows {
  return new Map([...rows].filter(([row]) => !some.has(row)));
}

async function checkReverse(job: Job): Promise<void> {
  await assertAuthorityTarget(job.client);
  await beginRun(job.client, job.runId, job.mode);
  await recorded(job, async () => {
    await job.step('copy read');
    await planReverse(job, job.file.copy());
    const tables = TABLES.map(({ table, kind }) => tableManifest(table, kind, job.file.tables[table]));
    await endRun(job.client, job.runId, { status: 'verified', manifest: manifestOf(job, tables, job.file.version) });
    await job.step('run verified');
  });
}

async function archive(job: Job, fileSystem: string | null): Promise<void> {
  await assertAuthorityTarget(job.client);
  await beginRun(job.client, job.runId, job.mode);
  await recorded(job, async () => {
    await job.step('files listed');
    job.archive(copyOf(job.file.tables), fileSystem);
    await job.step('files stored');
    const files = [{ file: 'db', bytes: 4_096, sha256: '0'.repeat(64), versionId: 'v1' }];
    const archived = { bucket: 'bucket', prefix: 'archive/', fileSystem, files, ignored: [] };
    const manifest = { ...manifestOf(job, [], job.file.version), archive: archived };
    await endRun(job.client, job.runId, { status: 'verified', manifest });
    await job.step('run verified');
  });
}

/** As `migrator/recorded.ts`: a failure stands in the manifest, unless the connection is gone. */
async function recorded({ client, runId }: Job, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const status = error instanceof Refused ? 'refused' : 'failed';
    await endRun(client, runId, { status, message: (error as Error).message }).catch(() => {});
    throw error;
  }
}

function tableManifest(table: string, kind: string, rows: Rows): TableManifest {
  return { table, kind, ...digestOf(rows), quarantinedRows: 0, copied: 0, inserted: 0, deleted: 0 };
}

function contentOf(version: number): { file: string; bytes: number; sha256: string } {
  return { file: 'db', bytes: 4_096, sha256: `version ${version}` };
}

function manifestOf({ runId, mode }: Job, tables: TableManifest[], version: number): Manifest {
  const files = [contentOf(version)] as Manifest['source']['files'];
  return { runId, mode: mode as Manifest['mode'], source: { path: '/app/data/db', files }, tables, seconds: {} };
}
