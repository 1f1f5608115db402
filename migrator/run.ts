import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { archive } from './archive.ts';
import { controlSchemaExists } from './authority.ts';
import { bringOver } from './bring-over.ts';
import { checkReverse } from './check-reverse.ts';
import { checkSource, keepBackBadRows } from './check-source.ts';
import { compareForeign } from './compare-foreign.ts';
import type { DatabaseAddress, MigratorConfiguration } from './configuration.ts';
import {
  assertAuthoritySource,
  beginRun,
  copiedTables,
  endRun,
  ensureControlSchema,
  grantVerifier,
  lockTarget,
} from './control-schema.ts';
import { assertNoSwap } from './file-swap.ts';
import { adoptTables, assertNoForeignRows, dropCopied, type EqualTable } from './foreign-rows.ts';
import type { Manifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import { hasQuarantine } from './quarantine-table.ts';
import { failRun, recorded } from './recorded.ts';
import { reverse } from './reverse.ts';
import { fingerprint } from './scratch-copy.ts';
import { openSource, type Source } from './source.ts';
import { sayChoice } from './table-choice.ts';
import { asTargetFailure, connectTarget } from './target.ts';
import { compareAll } from './verify.ts';

const RECONCILE_PASSES_MAX = 3;

/**
 * Runs one mode of the migrator. Nothing is created before the source, the connection and authority have been looked at.
 *
 * - `check` looks at the source (and at the target, when one is named) and changes nothing
 * - `load` copies the tables that are not there yet, while the relay may be live, and brings the others up to date
 * - `reconcile` does the same after the stop, compares every row, and is exact: it ends verified or not at all
 * - `verify` compares and changes nothing
 * - `reverse` goes the other way, from the target to the source (reverse.ts)
 * - `check-reverse` tries that on a copy, and changes nothing (check-reverse.ts)
 * - `archive` brings the files of the data directory into a bucket, long after a cutover (archive.ts)
 *
 * @returns what was done and found; undefined for `check`
 * @throws Refused when a repetition would end alike, Error when it may be repeated
 */
export async function run(configuration: MigratorConfiguration, progress: Progress): Promise<Manifest | undefined> {
  const { mode, sqlitePath, scratchDirectory, tableChoice, database } = configuration;
  if (mode === 'reverse') return reverse(configuration, progress);
  if (mode === 'check-reverse') return checkReverse(configuration, progress);
  if (mode === 'archive') return archive(configuration, progress);
  const open = async (): Promise<Source> => {
    await assertNoSwap(sqlitePath);
    return openSource(sqlitePath, scratchDirectory, tableChoice);
  };
  let source = await open().catch(async (error) => {
    await recordUnopened(configuration, error);
    throw error;
  });
  progress.moment('source opened');
  try {
    sayChoice(source, progress);
    if (mode === 'check') return await check(configuration, source, progress);
    const client = await connectTarget(database as DatabaseAddress);
    progress.say('Connected to both databases');
    progress.say(
      `Found tables: [${source.tables
        .map(({ name }) => name)
        .sort()
        .join(' ')}]`,
    );
    try {
      if (mode === 'verify') {
        if (configuration.quarantine) await keepBackBadRows(source, progress, client);
        return await compareAll(client, configuration, source, progress);
      }
      await lockTarget(client);
      await assertWritable(client, mode);
      await lookAtRows(configuration, source, progress, client);
      const equal = await foreignRows(client, mode, source, progress);
      await ensureControlSchema(client, configuration.runId);
      await beginRun(client, configuration.runId, mode);
      progress.moment('run begun');
      // Before there are tables: whoever asks what became of the run signs in by it, also when the run is refused.
      if (configuration.verifierRole) await grantVerifier(client, configuration.verifierRole, []);
      await recorded(client, configuration.runId, () => adoptTables(client, equal, configuration.runId, progress));
      for (let pass = 1; ; pass++) {
        const manifest = await recorded(client, configuration.runId, () =>
          mode === 'load'
            ? loadChecked(client, configuration, source, progress)
            : bringOver(client, configuration, source, progress),
        );
        if (mode === 'load' || (await unchanged(sqlitePath, source))) {
          await endRun(client, configuration.runId, { status: 'verified', manifest });
          progress.moment('run verified');
          return manifest;
        }
        await source.close();
        if (pass === RECONCILE_PASSES_MAX) {
          throw new Error(
            `The source was written to during each of ${pass} passes. Stop every task that writes to ${sqlitePath}, then repeat.`,
          );
        }
        progress.say('The source was written to during the pass; once more.');
        source = await open();
        await lookAtRows(configuration, source, progress, client);
      }
    } catch (error) {
      throw asTargetFailure(error, 'PostgreSQL refused');
    } finally {
      await client.end().catch(() => {});
    }
  } finally {
    await source.close();
  }
}

/** A pass of `load`: what `check` looks at row by row, it looks at while it copies. Refused, it leaves no table of its own behind. */
async function loadChecked(
  client: pg.Client,
  configuration: MigratorConfiguration,
  source: Source,
  progress: Progress,
): Promise<Manifest> {
  const earlier = await copiedTables(client);
  try {
    return await bringOver(client, configuration, source, progress, { ownIds: true });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const copied = await copiedTables(client);
    await dropCopied(
      client,
      source.tables.filter(({ name }) => copied.has(name) && !earlier.has(name)),
    );
    // It knows of one thing that is wrong; these say all of it at once.
    await checkSource(source, progress, client);
    throw error;
  }
}

/**
 * Leaves word in the target when the source could not even be opened during the write stop: whoever reads the manifest then
 * learns the reason and not only that there is none. Best effort: the source's failure is what counts.
 */
async function recordUnopened({ mode, database, runId }: MigratorConfiguration, error: Error): Promise<void> {
  if (mode !== 'reconcile' || !database) return;
  try {
    const client = await connectTarget(database);
    try {
      if (!(await controlSchemaExists(client))) return;
      await beginRun(client, runId, mode);
      await failRun(client, runId, error);
    } finally {
      await client.end();
    }
  } catch {
    // The exit code and the log still tell of it.
  }
}

/**
 * Only a `load` looks for what is wrong with rows: `reconcile` works during the write stop, and its comparison refuses what it
 * cannot bring over. But where rows are in quarantine, they have to be found once more, or to be refused by name.
 */
async function lookAtRows(
  { mode, quarantine }: MigratorConfiguration,
  source: Source,
  progress: Progress,
  client: pg.Client,
): Promise<void> {
  if (quarantine) return keepBackBadRows(source, progress, client);
  const beforeCopy = !(await hasQuarantine(client, source.tables));
  if (mode === 'load' || !beforeCopy) await checkSource(source, progress, client, { beforeCopy });
}

async function check(
  { database, quarantine }: MigratorConfiguration,
  source: Source,
  progress: Progress,
): Promise<undefined> {
  const client = database && (await connectTarget(database));
  try {
    if (quarantine) await keepBackBadRows(source, progress, client);
    else await checkSource(source, progress, client);
    progress.say(
      `${quarantine ? 'The rest of the' : 'The'} source is sound: ${source.tables.map((table) => `${table.name} ${source.countRows(table)} rows`).join(', ')}.`,
    );
    if (!client) return;
    await assertWritable(client, 'check');
    const equal = await foreignRows(client, 'check', source, progress);
    for (const { table } of equal) progress.say(`${table.name} stands in the target already, with the same rows.`);
    progress.say('The target can take it.');
  } catch (error) {
    throw asTargetFailure(error, 'PostgreSQL refused');
  } finally {
    await client?.end().catch(() => {});
  }
}

/** @throws Refused unless authority is with the source, and a load has run where there must have been one */
async function assertWritable(client: pg.Client, mode: string): Promise<void> {
  if (await controlSchemaExists(client)) await assertAuthoritySource(client);
  else if (mode === 'reconcile') {
    throw new Refused(
      'There is no schema "cutover" in the target: no load has run. Run "load" first, while the relay is live; the write stop stays short then.',
    );
  }
}

/**
 * Only before the write stop is there time to compare what others have brought; after it, every such row is refused.
 *
 * @throws Refused when rows of others stand in the target, other than those of the source
 */
function foreignRows(client: pg.Client, mode: string, source: Source, progress: Progress): Promise<EqualTable[]> {
  if (mode === 'reconcile') return assertNoForeignRows(client, source);
  return assertNoForeignRows(client, source, (table) => compareForeign(client, source, table, progress));
}

async function unchanged(path: string, source: Source): Promise<boolean> {
  const now = await fingerprint(path);
  return source.copy.still && JSON.stringify(now.files) === JSON.stringify(source.copy.files);
}
