import type pg from 'pg';
import type { MigratorConfiguration } from './configuration.ts';
import { assertAuthorityTarget, grantVerifier } from './control-schema.ts';
import { settleEarlierSwap, swapFiles, writeNewFile } from './file-swap.ts';
import { assertAllAccounted } from './foreign-rows.ts';
import { ensureFullText } from './full-text.ts';
import { isKnown, recordWrittenFile } from './known-files.ts';
import { leftOut, type Manifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import { assertKeptAsTheyAre } from './reverse-affinity.ts';
import { applyPlans, beginWriting, closeCopy, createMissingTables, reviewDeletions } from './reverse-copy.ts';
import { planReverse, type TablePlan } from './reverse-plan.ts';
import { verifyReversed } from './reverse-verify.ts';
import { fingerprint } from './scratch-copy.ts';
import { openSource, type Source } from './source.ts';
import { createStopwatch, type Stopwatch } from './stopwatch.ts';
import { sayChoice } from './table-choice.ts';
import { classify } from './table-kinds.ts';
import { runWhileTargetHolds } from './target-run.ts';
import { choiceOnWayBack } from './target-shape.ts';

const PASSES_MAX = 3;

/**
 * The mode `reverse`, the way back to SQLite while the target holds authority and no relay runs: makes the SQLite file
 * equal to PostgreSQL, so that the old relay serves what the new one accepted. The file is changed in a copy, which then
 * takes its place in one exchange; the old files are kept. Whoever has verified both sides then changes authority.
 *
 * @returns what was done and found: rows and digests are those that the target has to show
 * @throws Refused when a repetition would end alike, Error when it may be repeated
 */
export function reverse(configuration: MigratorConfiguration, progress: Progress): Promise<Manifest> {
  return runWhileTargetHolds(configuration, progress, (client) => goBack(client, configuration, progress));
}

async function goBack(client: pg.Client, configuration: MigratorConfiguration, progress: Progress): Promise<Manifest> {
  const { runId, mode, sqlitePath, verifierRole } = configuration;
  const stopwatch = createStopwatch();
  for (let pass = 1; pass <= PASSES_MAX; pass++) {
    await settleEarlierSwap(sqlitePath, progress);
    const plans = await renewFile(client, configuration, progress, stopwatch);
    if (plans) {
      const { tables, files, excluded } = await stopwatch.timed('verification', () =>
        verifyReversed(client, configuration, plans, progress),
      );
      // A relay may have made tables of which no load knew.
      const inTarget = plans.filter((plan) => plan.inTarget).map(({ table }) => table);
      if (verifierRole) await grantVerifier(client, verifierRole, inTarget);
      return {
        runId,
        mode,
        source: { path: sqlitePath, files },
        tables,
        ...leftOut(excluded),
        seconds: stopwatch.seconds(),
      };
    }
    progress.say('The SQLite file was written to during the pass; once more.');
  }
  throw new Error(
    `The SQLite file was written to during each of ${PASSES_MAX} passes. Stop every task that writes to ${sqlitePath}, then repeat.`,
  );
}

/**
 * One pass: the SQLite file is equal to the target after it.
 *
 * @returns what was done; undefined when somebody wrote to the file meanwhile, which then stands as it was
 */
async function renewFile(
  client: pg.Client,
  configuration: MigratorConfiguration,
  progress: Progress,
  { timed }: Stopwatch,
): Promise<TablePlan[] | undefined> {
  const { runId, sqlitePath, scratchDirectory } = configuration;
  const choice = await choiceOnWayBack(client, configuration.tableChoice);
  const source = await timed('copy', () => openSource(sqlitePath, scratchDirectory, choice));
  try {
    progress.moment('source opened');
    if (!source.copy.still) return undefined;
    sayChoice(source, progress, 'stays in the SQLite file as it is');
    beginWriting(source, progress);
    const { plans, changed, unknownRows } = await timed('delta', () =>
      changeCopy(client, configuration, source, progress),
    );
    if (!changed) {
      progress.say('SQLite holds what PostgreSQL holds already; the file is left alone.');
      const { files } = await fingerprint(sqlitePath);
      return JSON.stringify(files) === JSON.stringify(source.copy.files) ? plans : undefined;
    }
    return await timed('exchange of the files', async () => {
      closeCopy(source);
      progress.moment('copy closed');
      const written = await writeNewFile(source.copy.path, sqlitePath, progress);
      await recordWrittenFile(client, runId, written, unknownRows);
      progress.moment('new file recorded');
      // The connection carries the lock: when it was lost, another run may be at work by now.
      await assertAuthorityTarget(client);
      return (await swapFiles(sqlitePath, source.copy.files, progress)) ? plans : undefined;
    });
  } finally {
    await source.close();
  }
}

/**
 * Makes the copy equal to the target, in one transaction that is still open then.
 *
 * @returns `unknownRows`: rows that were kept and of which the target does not say by itself why; a later run must keep them too
 */
export async function changeCopy(
  client: pg.Client,
  { allowDeletions = false }: MigratorConfiguration,
  source: Source,
  progress: Progress,
): Promise<{ plans: TablePlan[]; changed: boolean; unknownRows: number }> {
  const { database } = source;
  const keep = !(await isKnown(client, source.copy.files));
  // Not READ ONLY, which would forbid temporary tables too; all of it is rolled back.
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  try {
    // A relay may make tables of known kinds anew; of others, only whoever chooses can say what they are.
    await assertAllAccounted(client, source, (name) => classify(name) === 'unknown');
    const created = await createMissingTables(client, source);
    const plans = await planReverse(client, source, keep, progress);
    sayKept(plans, keep, progress);
    assertKeptAsTheyAre(plans, database);
    reviewDeletions(plans, database, allowDeletions, progress);
    progress.moment('deletions reviewed');
    // Before the rows as well: a trigger on an index that is wrong may fail, or make it worse.
    const rebuilt = ensureFullText(database, progress);
    const differs = plans.some(({ inserted, updated, deleted }) => inserted + updated + deleted > 0);
    if (differs) {
      applyPlans(plans, database, progress);
      ensureFullText(database, progress);
    }
    const unknownRows = keep ? plans.reduce((sum, { kept }) => sum + kept.rows, 0) : 0;
    return { plans, changed: created || rebuilt || differs, unknownRows };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

function sayKept(plans: TablePlan[], all: boolean, progress: Progress): void {
  const kept = plans.filter(({ kept }) => kept.rows > 0).map(({ table, kept }) => `${kept.rows} of ${table.name}`);
  if (all) {
    progress.say(
      `The SQLite files are not those that the cutover left: a relay has written to them since. Rows that only SQLite has stay there: ${kept.join(', ') || 'there are none'}.`,
    );
  } else if (kept.length > 0) {
    progress.say(
      `Rows that PostgreSQL could not have held, or that stand in cutover.quarantine, stay in SQLite, events with their tags: ${kept.join(', ')}.`,
    );
  }
}
