import { realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { type Bucket, openBucket } from './archive-bucket.ts';
import { assertArchivable, type FoundFile, walk } from './archive-files.ts';
import type { ArchivePlace, MigratorConfiguration } from './configuration.ts';
import { assertNoSwap } from './file-swap.ts';
import type { ArchivedFile, Manifest, TableManifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import { type FileFingerprint, fingerprint, makeScratch, SUFFIXES } from './scratch-copy.ts';
import { openCopy } from './source.ts';
import { createStopwatch } from './stopwatch.ts';
import type { TableChoice } from './table-choice.ts';
import { runWhileTargetHolds } from './target-run.ts';

/** What the reconcile that made the target the truth says of the files and of their rows. */
interface Reconciled {
  runId: string;
  files: FileFingerprint[];
  tables: TableManifest[];
}

/**
 * The mode `archive` (runbook step 6): while PostgreSQL holds the truth, brings every file of the data directory into an S3
 * bucket, reads each back, and opens the database that came back: it must have the rows that the cutover found.
 *
 * Nothing is written to the data directory. Run again, it archives again; what is there is the same or another version.
 *
 * @returns what was archived
 * @throws Refused when a repetition would end alike, Error when it may be repeated
 */
export function archive(configuration: MigratorConfiguration, progress: Progress): Promise<Manifest> {
  return runWhileTargetHolds(configuration, progress, (client) => archiveAll(client, configuration, progress));
}

async function archiveAll(
  client: pg.Client,
  configuration: MigratorConfiguration,
  progress: Progress,
): Promise<Manifest> {
  const { runId, mode, sqlitePath, scratchDirectory = tmpdir(), tableChoice } = configuration;
  const { ignore, ...place } = configuration.archive as ArchivePlace;
  const { timed, seconds } = createStopwatch();
  const reconciled = await readReconciled(client);
  await assertNoSwap(sqlitePath);
  const files = await timed('look', () => assertUnchanged(sqlitePath, reconciled));
  // A symbolic link is followed, as SQLite does it: the WAL lies beside the file that it leads to.
  const path = await realpath(sqlitePath);
  const directory = dirname(path);
  const found = await walk(directory);
  const ignored = found.filter(({ file }) => ignore.includes(file));
  const archived = found.filter(({ file }) => !ignore.includes(file));
  assertArchivable(archived, files);
  progress.say(`Found ${found.length} file(s) in ${directory}, of which ${ignored.length} are left out.`);

  const { directory: scratch, remove } = await makeScratch(scratchDirectory, 'archive');
  try {
    const bucket = await openBucket(place.bucket);
    const kept = await timed('copy', () => bringOver(bucket, { path, scratch }, archived, place.prefix, progress));
    const tables = await timed('read back', async () =>
      openReadBack({ sqlitePath, scratch, tableChoice }, files, reconciled, progress),
    );
    return {
      ...{ runId, mode, source: { path: sqlitePath, files }, tables, seconds: seconds() },
      archive: { ...place, files: kept, ignored: ignored.map(({ file, bytes }) => ({ file, bytes })) },
    };
  } finally {
    await remove();
  }
}

async function readReconciled(client: pg.Client): Promise<Reconciled> {
  const { rows } = await client.query<{ run_id: string; manifest: Manifest }>(
    "SELECT run_id, manifest FROM cutover.run JOIN cutover.authority USING (run_id) WHERE mode = 'reconcile' AND status = 'verified'",
  );
  const [run] = rows;
  if (run) return { runId: run.run_id, files: run.manifest.source.files, tables: run.manifest.tables };
  throw new Refused(
    'Authority is with the target, but not by a verified reconcile, so nobody can say what the SQLite file has to hold. Nothing was archived. Keep the file system.',
  );
}

/** The WAL is part of the database: what a relay has written since would be in it. */
async function assertUnchanged(sqlitePath: string, { runId, files }: Reconciled): Promise<FileFingerprint[]> {
  const now = await fingerprint(sqlitePath);
  const contentOf = (list: FileFingerprint[]): string =>
    list
      .map(({ file, bytes, sha256 }) => `${file} (${bytes} bytes, SHA-256 ${sha256})`)
      .sort()
      .join(', ');
  if (contentOf(now.files) === contentOf(files)) return now.files;
  throw new Refused(
    `The SQLite files are not those that the cutover left: found ${contentOf(now.files)}; expected ${contentOf(files)} by the run ${runId}. A relay has written to them since, or a way back has renewed them, and they may hold what no other place has. Nothing was archived. Keep the file system, and find out who wrote.`,
  );
}

async function bringOver(
  bucket: Bucket,
  { path, scratch }: { path: string; scratch: string },
  found: FoundFile[],
  prefix: string,
  progress: Progress,
): Promise<ArchivedFile[]> {
  const ofDatabase = SUFFIXES.map((suffix) => basename(path) + suffix);
  const archived: ArchivedFile[] = [];
  for (const { file } of found) {
    const copyTo = ofDatabase.includes(file) ? join(scratch, `db${file.slice(basename(path).length)}`) : undefined;
    archived.push({ file, ...(await bucket.keep(join(dirname(path), file), prefix + file, copyTo)) });
    progress.moment(`file archived: ${file}`);
    progress.say(`  ${file}: ${archived.at(-1)?.bytes} bytes archived and read back`);
  }
  return archived;
}

/** Opens what came back from the bucket, not what lies on the file system: only that will be there later. */
async function openReadBack(
  { sqlitePath, scratch, tableChoice }: { sqlitePath: string; scratch: string; tableChoice: TableChoice },
  files: FileFingerprint[],
  reconciled: Reconciled,
  progress: Progress,
): Promise<TableManifest[]> {
  const copy = { path: join(scratch, 'db'), files, still: true, remove: async () => {} };
  const source = openCopy(`${sqlitePath} in the archive`, copy, tableChoice);
  try {
    const counted = new Map(source.tables.map((table) => [table.name, source.countRows(table)]));
    // Rows in quarantine never left the file.
    const expected = reconciled.tables.map(({ table, rows, quarantinedRows }) => ({
      table,
      rows: rows + quarantinedRows,
    }));
    for (const { table, rows } of expected) {
      const found = counted.get(table) ?? 'no table';
      progress.say(`  ${table}: cutover=${rows} archive=${found} [${found === rows ? 'OK' : 'MISMATCH'}]`);
    }
    const wrong = expected.filter(({ table, rows }) => counted.get(table) !== rows);
    if (wrong.length === 0) return reconciled.tables;
    throw new Refused(
      `The database that came back from the archive has other rows than the cutover found (run ${reconciled.runId}): ${wrong.map(({ table, rows }) => `${table} has ${counted.get(table) ?? 'no'} rows, expected ${rows}`).join('; ')}. Keep the file system.`,
    );
  } finally {
    await source.close();
  }
}
