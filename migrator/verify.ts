import type pg from 'pg';
import type { MigratorConfiguration } from './configuration.ts';
import { DigestSum } from './digest.ts';
import { assertAllAccounted } from './foreign-rows.ts';
import { inAdvance } from './in-advance.ts';
import { described, leftOut, type Manifest, quarantined } from './manifest.ts';
import type { Progress } from './progress.ts';
import { assertAccounted, keptDigest } from './quarantine.ts';
import type { Source } from './source.ts';
import { createTableReaders, READERS_MAX } from './table-readers.ts';
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
  await assertAllAccounted(client, source);
  const readers = createTableReaders(source, progress);
  const verdicts: TableVerdict[] = [];
  try {
    for (const [table, rows] of inAdvance(source.tables, READERS_MAX, (table) => readers.read('digest', table))) {
      const differences = (await tableExists(client, table.name)) ? await shapeDifferences(client, table) : [];
      const kept = await keptDigest(source, table);
      const verdict =
        differences.length === 0
          ? await verifyTable(client, table, rows, kept)
          : mismatch(table.name, await rows, differences);
      await assertAccounted(source, table, verdict.source, kept);
      verdicts.push(verdict);
    }
  } finally {
    await readers.end();
  }
  assertVerified(verdicts, progress);
  return {
    runId: configuration.runId,
    mode: configuration.mode,
    source: { path: configuration.sqlitePath, files: source.copy.files },
    tables: source.tables.map((table, place) => ({
      ...described(table),
      ...(verdicts[place] as TableVerdict).source,
      ...quarantined((verdicts[place] as TableVerdict).quarantined ?? new DigestSum().result()),
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
function verdictLine({ table, verdict, source, target, quarantined, findings }: TableVerdict): string {
  const kept = quarantined?.rows ?? 0;
  const figures = `  ${table}: source=${source.rows + kept} dest=${target.rows}`;
  const explained = kept > 0 ? `, ${kept} quarantined` : '';
  if (verdict === 'verified') return `${figures} [OK${explained}]`;
  return `${figures} [MISMATCH${explained}] ${findings.join('; ')}`;
}
