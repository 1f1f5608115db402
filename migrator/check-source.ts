import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { type Finding, findingLines, type Progress } from './progress.ts';
import { beginKeepingBack, type KeepBack } from './quarantine.ts';
import type { Source } from './source.ts';
import { type Found, SOURCE_CHECKS } from './source-checks.ts';

const LISTED_MAX = 20;
const HINT =
  'With --quarantine (or CUTOVER_QUARANTINE=1) these rows stay out of the target, whole in cutover.quarantine, and all others go over.';

/**
 * Looks at all rows of all tables before any write stop, tells of each one that cannot go over as soon as it is found, and
 * refuses the source with all findings at once.
 *
 * @param client the target; without one, its limits of size are not looked at
 * @param options `beforeCopy` leaves out what a copy looks at itself, row by row
 * @throws Refused with the findings of all checks of all tables; Error when the copy was torn and may be at fault itself
 */
export async function checkSource(
  source: Source,
  progress: Progress,
  client?: pg.Client,
  { beforeCopy = false } = {},
): Promise<void> {
  const refusals: string[] = [];
  for (const check of SOURCE_CHECKS.filter(({ byRow }) => !(beforeCopy && byRow))) {
    for (const table of source.tables.filter(check.applies)) {
      const found = new Findings();
      for await (const { rowid, faults } of check.find(source, table, progress, client)) {
        const finding = { table: table.name, rowid, faults, advice: `${check.advice}.` };
        if (!beforeCopy) progress.finding(finding);
        found.add(finding);
      }
      refusals.push(...found.lines(`${check.headline(found.count, table)} ${check.advice}:`));
    }
  }
  if (refusals.length === 0) return;
  // It is refused in any case, and then with all that is wrong.
  if (beforeCopy) return checkSource(source, progress, client);
  if (source.copy.still) throw new Refused([...refusals, HINT].join('\n'));
  throw new Error(
    `The source was checkpointed while it was copied, and the copy is not sound. Repeat it when the relay writes less.\n${refusals.join('\n')}`,
  );
}

/**
 * The same, but keeps the rows that it finds back, so that the source hands out only rows that can go over. Of repeated keys
 * the first row goes over; the tags of an event that is kept back are kept back with it.
 *
 * A copy that was torn by a checkpoint is no matter for a `load`, since `reconcile` looks at all rows anew.
 */
export async function keepBackBadRows(source: Source, progress: Progress, client?: pg.Client): Promise<void> {
  for (const check of SOURCE_CHECKS) {
    for (const table of source.tables.filter(check.applies)) {
      const keepBack = beginKeepingBack(source, table);
      for await (const found of reading(source, check.find(source, table, progress, client)))
        keep(table.name, found, keepBack, progress);
    }
  }
  const counts = keptCounts(source);
  progress.say(
    counts.length === 0 ? 'No row needs quarantine.' : `In quarantine, and not in the target: ${counts.join(', ')}.`,
  );
}

/** Rows that are kept back, by table, in words. */
export function keptCounts({ database, keptBack }: Source): string[] {
  return [...keptBack].map(
    ([name, work]) => `${database.prepare(`SELECT count(*) FROM ${work}`).pluck().get()} row(s) of "${name}"`,
  );
}

function keep(table: string, { rowid, faults }: Found, keepBack: KeepBack, progress: Progress): void {
  progress.finding({ table, rowid, faults, advice: 'It stays out of the target, whole in cutover.quarantine.' });
  const reasons = faults.map(({ columns, seen }) => `${columns.join(' and ')}: ${seen}`);
  keepBack(rowid, reasons.join('; '));
}

/** Else better-sqlite3 lets nothing be written while rows are read; here it is another table that is written to. */
async function* reading<T>({ database }: Source, rows: AsyncIterable<T>): AsyncGenerator<T> {
  database.unsafeMode(true);
  try {
    yield* rows;
  } finally {
    database.unsafeMode(false);
  }
}

/** Counts all findings and keeps the first of them: memory must not grow with what is wrong. */
class Findings {
  count = 0;
  private readonly listed: Finding[] = [];

  add(finding: Finding): void {
    if (++this.count <= LISTED_MAX) this.listed.push(finding);
  }

  lines(headline: string): string[] {
    if (this.count === 0) return [];
    const more = this.count - this.listed.length;
    return [
      headline,
      ...this.listed.flatMap(findingLines).map((line) => `  ${line}`),
      ...(more > 0
        ? [`  and ${more} more; the log above has a line for each ("Found", with --json the event "finding")`]
        : []),
    ];
  }
}
