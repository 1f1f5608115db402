import type pg from 'pg';
import { buildIndexes } from './build-indexes.ts';
import type { DatabaseAddress, MigratorConfiguration } from './configuration.ts';
import { assertAuthoritySource, copiedTables, grantVerifier } from './control-schema.ts';
import { copyTable } from './copy-table.ts';
import { applyDelta } from './delta.ts';
import { dropEmptyTables } from './foreign-rows.ts';
import type { Manifest, TableManifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { createStopwatch } from './stopwatch.ts';
import { connectTarget } from './target.ts';
import { assertVerified } from './verify.ts';
import { verifyTable } from './verify-table.ts';

/**
 * One pass of `load` and `reconcile`: copies the tables that no run has copied yet, builds what the relay expects around
 * them, brings the others up to date, and verifies all.
 *
 * @throws Refused when rows cannot go over as they are, Error when the target does not end equal
 */
export async function bringOver(
  client: pg.Client,
  configuration: MigratorConfiguration,
  source: Source,
  progress: Progress,
): Promise<Manifest> {
  const { timed, seconds } = createStopwatch();
  const { runId, mode, sqlitePath, verifierRole } = configuration;
  const earlier = await copiedTables(client);
  const tables = new Map<string, TableManifest>();
  await timed('copy', async () => {
    const missing = source.tables.filter(({ name }) => !earlier.has(name));
    await dropEmptyTables(client, missing);
    for (const table of missing) {
      const digest = await copyTable(client, source, table, runId, progress);
      tables.set(table.name, {
        table: table.name,
        kind: table.kind,
        ...digest,
        quarantinedRows: 0,
        copied: digest.rows,
        inserted: 0,
        deleted: 0,
      });
    }
  });
  await timed('indexes', async () => {
    const second = await connectTarget(configuration.database as DatabaseAddress);
    try {
      await buildIndexes([client, second], source.tables, progress);
    } finally {
      await second.end().catch(() => {});
    }
  });
  await timed('delta and verification', () => settle(client, source, tables, progress));
  if (verifierRole) await grantVerifier(client, verifierRole, source.tables);
  return {
    runId,
    mode,
    source: { path: sqlitePath, files: source.copy.files },
    tables: source.tables.map(({ name }) => tables.get(name) as TableManifest),
    seconds: seconds(),
  };
}

/** Brings the tables of earlier runs up to date and verifies all, in one transaction: a target that is not equal keeps what it had. */
async function settle(
  client: pg.Client,
  source: Source,
  tables: Map<string, TableManifest>,
  progress: Progress,
): Promise<void> {
  await client.query('BEGIN');
  try {
    await assertAuthoritySource(client);
    for (const table of source.tables.filter(({ name }) => !tables.has(name))) {
      const { inserted, deleted, rows, digest } = await applyDelta(client, source, table, progress);
      progress.say(`Reconciled ${table.name}: +${inserted} -${deleted} rows`);
      tables.set(table.name, {
        table: table.name,
        kind: table.kind,
        rows,
        digest,
        quarantinedRows: 0,
        copied: 0,
        inserted,
        deleted,
      });
    }
    const verdicts = [];
    for (const table of source.tables)
      verdicts.push(await verifyTable(client, table, tables.get(table.name) as TableManifest));
    assertVerified(verdicts, progress);
    progress.moment('before commit');
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
