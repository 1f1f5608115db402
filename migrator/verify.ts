import type pg from 'pg';
import type { MigratorConfiguration } from './configuration.ts';
import { assertAllAccounted } from './foreign-rows.ts';
import { described, leftOut, type Manifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { sourceDigest } from './source-rows.ts';
import { shapeDifferences } from './target-shape.ts';
import { mismatch, type TableVerdict, tableExists, verifyTable } from './verify-table.ts';

/**
 * The mode `verify`: compares all tables of the source with the target and changes nothing.
 *
 * @throws Error when they are not equal
 */
export async function compareAll(
  client: pg.Client,
  configuration: MigratorConfiguration,
  source: Source,
  progress: Progress,
): Promise<Manifest> {
  const verdicts: TableVerdict[] = [];
  await assertAllAccounted(client, source);
  for (const table of source.tables) {
    const differences = (await tableExists(client, table.name)) ? await shapeDifferences(client, table) : [];
    const rows = sourceDigest(source, table, progress);
    verdicts.push(
      differences.length === 0 ? await verifyTable(client, table, rows) : mismatch(table.name, await rows, differences),
    );
  }
  assertVerified(verdicts, progress);
  return {
    runId: configuration.runId,
    mode: configuration.mode,
    source: { path: configuration.sqlitePath, files: source.copy.files },
    tables: source.tables.map((table, place) => ({
      ...described(table),
      ...(verdicts[place] as TableVerdict).source,
      quarantinedRows: 0,
      copied: 0,
      inserted: 0,
      deleted: 0,
    })),
    ...leftOut(source.excluded),
    seconds: {},
  };
}

/**
 * Prints the closing line of every table.
 *
 * @param advice what to do when one of them does not match
 * @throws Error when one of them does not match
 */
export function assertVerified(
  verdicts: TableVerdict[],
  progress: Progress,
  advice = 'Run "reconcile" after the relay has stopped.',
): void {
  for (const verdict of verdicts) progress.say(verdictLine(verdict));
  const mismatches = verdicts.filter(({ verdict }) => verdict !== 'verified');
  if (mismatches.length === 0) return;
  throw new Error(
    `The target is not equal to the source: ${mismatches.map(({ table, findings }) => `${table}: ${findings.join('; ')}`).join(' | ')}. ${advice}`,
  );
}

/** The closing line of a table, in the form that runbook step 5c tells the operator to look for. */
function verdictLine({ table, verdict, source, target, findings }: TableVerdict): string {
  if (verdict === 'verified') return `  ${table}: source=${source.rows} dest=${target.rows} [OK]`;
  return `  ${table}: source=${source.rows} dest=${target.rows} [MISMATCH] ${findings.join('; ')}`;
}
