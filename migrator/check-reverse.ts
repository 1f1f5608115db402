import type pg from 'pg';
import type { MigratorConfiguration } from './configuration.ts';
import { readDeclaration } from './declared-table.ts';
import { isSwapPending } from './file-swap.ts';
import { GENERIC_KIND } from './generic-table.ts';
import { described, leftOut, type Manifest, type TableManifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import { changeCopy } from './reverse.ts';
import { beginWriting } from './reverse-copy.ts';
import { reviewFit } from './reverse-fit.ts';
import type { TablePlan } from './reverse-plan.ts';
import { openSource, type Source } from './source.ts';
import { createStopwatch } from './stopwatch.ts';
import { sayChoice } from './table-choice.ts';
import { classify, type Table } from './table-kinds.ts';
import { runWhileTargetHolds } from './target-run.ts';
import { choiceOnWayBack } from './target-shape.ts';

/**
 * The mode `check-reverse`: does everything that a `reverse` would do to a copy of the SQLite file, while the relay still
 * serves from PostgreSQL, and throws the copy away. What stands in the way of a way back is so found before any write stop.
 *
 * @returns what a reverse would have done now
 * @throws Refused when a repetition would end alike, Error when it may be repeated
 */
export function checkReverse(configuration: MigratorConfiguration, progress: Progress): Promise<Manifest> {
  return runWhileTargetHolds(configuration, progress, (client) => tryReverse(client, configuration, progress));
}

async function tryReverse(
  client: pg.Client,
  configuration: MigratorConfiguration,
  progress: Progress,
): Promise<Manifest> {
  const { runId, mode, sqlitePath, scratchDirectory, tableChoice, allowDeletions = false } = configuration;
  const stopwatch = createStopwatch();
  const choice = await choiceOnWayBack(client, tableChoice);
  await reviewFit(client, allowDeletions, progress, (name) =>
    choice.inTarget?.has(name) ? 'skipped' : classify(name),
  );
  const found = (tables: TableManifest[], files: Manifest['source']['files']): Manifest => ({
    ...{ runId, mode, source: { path: sqlitePath, files }, tables, seconds: stopwatch.seconds() },
  });
  if (await isSwapPending(sqlitePath)) {
    progress.say(
      'An earlier reverse was interrupted while it exchanged the files. The next one settles that first, so that nothing can be tried before.',
    );
    return found([], []);
  }
  const source = await stopwatch.timed('copy', () => openSource(sqlitePath, scratchDirectory, choice));
  try {
    progress.moment('source opened');
    sayChoice(source, progress, 'stays in the SQLite file as it is');
    const generic = new Map(declaredTables(source).map((table) => [table.name, table]));
    await reviewFit(client, allowDeletions, progress, (name) => generic.get(name) ?? 'skipped');
    beginWriting(source, progress);
    const { plans } = await stopwatch.timed('delta', () => changeCopy(client, configuration, source, progress));
    return { ...found(plans.map(tableOf), source.copy.files), ...leftOut(source.excluded) };
  } finally {
    await source.close();
  }
}

/** The generic tables, with NULL where SQLite takes it, whatever the target does. */
function declaredTables({ tables, database }: Source): Table[] {
  return tables
    .filter(({ kind }) => kind === GENERIC_KIND)
    .map((table) => {
      const filled = readDeclaration(database, table.name).columns.filter(({ notNull }) => notNull);
      const columns = table.columns.map(({ name, type }) =>
        filled.some((column) => column.name === name) ? { name, type } : { name, type, nullable: true as const },
      );
      return { ...table, columns };
    });
}

/** Rows and digest are the source's as it is: nothing of what was tried stays. */
function tableOf({ table, inTarget, rows, inserted, updated, deleted, kept }: TablePlan): TableManifest {
  return {
    ...{ ...described(table), rows, digest: '', quarantinedRows: 0, copied: 0 },
    ...{ inserted, updated, deleted, kept: kept.rows },
    ...(!inTarget && { onlyInSource: true as const }),
  };
}
