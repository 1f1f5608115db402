import type pg from 'pg';
import { addConstraints, analyze, validate } from './build-indexes.ts';
import type { DatabaseAddress, MigratorConfiguration } from './configuration.ts';
import { type Connections, openConnections } from './connections.ts';
import { assertAuthoritySource, copiedTables, grantVerifier } from './control-schema.ts';
import { type CopiedTable, copyAndIndex } from './copy-and-index.ts';
import type { Copying } from './copy-table.ts';
import { applyDelta } from './delta.ts';
import { DigestSum } from './digest.ts';
import { dropEmptyTables } from './foreign-rows.ts';
import { inAdvance } from './in-advance.ts';
import { described, leftOut, type Manifest, quarantined, type SourceFigures, type TableManifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import { assertAccounted } from './quarantine.ts';
import { replaceQuarantine } from './quarantine-table.ts';
import type { Source } from './source.ts';
import { createStopwatch } from './stopwatch.ts';
import type { Table } from './table-kinds.ts';
import { createTableReaders, READERS_MAX, type TableReaders } from './table-readers.ts';
import { dropChangedTables } from './target-shape.ts';
import { allOf } from './together.ts';
import { assertVerified } from './verify.ts';
import { verifyTable } from './verify-table.ts';

/**
 * One pass of `load` and `reconcile`: copies the tables that no run has copied yet, builds what the relay expects around
 * them, brings the others up to date, and verifies all.
 *
 * @param options see `createTableReaders`
 * @throws Refused when rows cannot go over as they are, Error when the target does not end equal
 */
export async function bringOver(
  client: pg.Client,
  configuration: MigratorConfiguration,
  source: Source,
  progress: Progress,
  options: { ownIds?: boolean } = {},
): Promise<Manifest> {
  const readers = createTableReaders(source, progress, options);
  try {
    return await bringOverBy(readers, client, configuration, source, progress);
  } finally {
    await readers.end();
  }
}

async function bringOverBy(
  readers: TableReaders,
  client: pg.Client,
  configuration: MigratorConfiguration,
  source: Source,
  progress: Progress,
): Promise<Manifest> {
  const { timed, seconds } = createStopwatch();
  const { runId, mode, sqlitePath, verifierRole } = configuration;
  const copying = { source, readers, runId, progress };
  const { copied, unconstrained } = await timed('copy and indexes', async () => {
    const connections = await openConnections(configuration.database as DatabaseAddress, client);
    try {
      const before = await copiedTables(client);
      await dropChangedTables(
        client,
        source.tables.filter(({ name }) => before.has(name)),
        progress,
      );
      const earlier = await copiedTables(client);
      const missing = source.tables.filter(({ name }) => !earlier.has(name));
      await dropEmptyTables(client, missing);
      const copied = await copyAndIndex(connections, missing, copying);
      // A foreign key joins rows of one moment. Beside tables of an earlier run, which was killed while the relay went on, those
      // of this one may refer to rows that only the delta brings: their constraints wait for it.
      const isOfOneMoment = missing.length === source.tables.length;
      const constrained = isOfOneMoment ? source.tables : [];
      await addConstraints(connections.use, constrained, progress);
      await allOf([analyze(connections.use, missing), validate(connections.use, constrained)]);
      return { copied, unconstrained: isOfOneMoment ? [] : source.tables };
    } finally {
      await connections.end();
    }
  });
  const tables = await timed('delta and verification', () => settle(client, { copied, unconstrained }, copying));
  if (verifierRole) await grantVerifier(client, verifierRole, source.tables);
  return {
    runId,
    mode,
    source: { path: sqlitePath, files: source.copy.files },
    tables: source.tables.map(({ name }) => tables.get(name) as TableManifest),
    ...leftOut(source.excluded),
    seconds: seconds(),
  };
}

/**
 * Brings the tables of earlier runs up to date and verifies all, in one transaction: a target that is not equal keeps what it had.
 *
 * @returns what the manifest says of each table, by its name
 */
async function settle(
  client: pg.Client,
  { copied, unconstrained }: { copied: Map<string, CopiedTable>; unconstrained: Table[] },
  { source, readers, runId, progress }: Copying,
): Promise<Map<string, TableManifest>> {
  const tables = new Map<string, TableManifest>();
  for (const table of source.tables) {
    const figures = copied.get(table.name)?.source;
    if (figures) tables.set(table.name, tableManifest(table, figures, { copied: figures.rows }));
  }
  await client.query('BEGIN');
  try {
    await assertAuthoritySource(client);
    // While the server makes one table equal, the next ones are read.
    const before = source.tables.filter(({ name }) => !copied.has(name));
    for (const [table, ours] of inAdvance(before, READERS_MAX, (table) => readers.read('buckets', table))) {
      const { inserted, deleted, ...digest } = await applyDelta(client, source, table, ours, progress);
      progress.say(`Reconciled ${table.name}: +${inserted} -${deleted} rows`);
      tables.set(table.name, tableManifest(table, digest, { inserted, deleted }));
    }
    const here: Connections['use'] = (work) => work(client);
    await addConstraints(here, unconstrained, progress);
    await validate(here, unconstrained);
    const inQuarantine = await replaceQuarantine(client, source, runId);
    const verdicts = [];
    for (const table of source.tables) {
      const manifest = tables.get(table.name) as TableManifest;
      const kept = inQuarantine.get(table.name) ?? new DigestSum().result();
      await assertAccounted(source, table, manifest, kept);
      verdicts.push(await verifyTable(client, table, manifest, kept, copied.get(table.name)?.target));
      Object.assign(manifest, quarantined(kept));
    }
    assertVerified(verdicts, progress);
    progress.moment('before commit');
    await client.query('COMMIT');
    return tables;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

function tableManifest(
  table: Table,
  { rows, digest, bytes }: SourceFigures,
  how: Partial<Pick<TableManifest, 'copied' | 'inserted' | 'deleted'>>,
): TableManifest {
  return { ...described(table), rows, digest, bytes, quarantinedRows: 0, copied: 0, inserted: 0, deleted: 0, ...how };
}
