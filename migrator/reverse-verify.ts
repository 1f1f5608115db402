import type pg from 'pg';
import type { MigratorConfiguration } from './configuration.ts';
import { copiedTables, recordCopied } from './control-schema.ts';
import { DigestSum, type TableDigest, withoutRows } from './digest.ts';
import { described, type TableManifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import type { TablePlan } from './reverse-plan.ts';
import { RowEncoder } from './row-encoding.ts';
import type { FileFingerprint } from './scratch-copy.ts';
import { openSource } from './source.ts';
import { followed, sourceDigest } from './source-rows.ts';
import type { ExcludedTable } from './table-choice.ts';
import type { Table } from './table-kinds.ts';
import { choiceOnWayBack } from './target-shape.ts';
import { assertVerified } from './verify.ts';
import { type TableVerdict, verifyTable } from './verify-table.ts';

/**
 * Opens the SQLite file anew from its place and compares every row of it, but for those that were kept, with the target as
 * it is now.
 *
 * @throws Error when they are not equal
 */
export async function verifyReversed(
  client: pg.Client,
  { runId, sqlitePath, scratchDirectory, tableChoice }: MigratorConfiguration,
  plans: TablePlan[],
  progress: Progress,
): Promise<{ tables: TableManifest[]; files: FileFingerprint[]; excluded: ExcludedTable[] }> {
  const choice = await choiceOnWayBack(client, tableChoice);
  const source = await openSource(sqlitePath, scratchDirectory, choice);
  progress.moment('source reopened');
  try {
    const verdicts: TableVerdict[] = [];
    for (const { table, inTarget, kept } of plans) {
      const encoder = new RowEncoder(table.columns, { lenient: true });
      const rows = followed(progress, 'verified', source, table, (count) =>
        sourceDigest(source, table, { count, encoder }),
      ).then((all) => withoutRows(all, kept));
      verdicts.push(inTarget ? await verdictOf(client, table, rows) : verdictWithoutTarget(table, await rows));
      progress.moment(`verified: ${table.name}`);
    }
    assertVerified(verdicts, progress, 'Stop every task that writes to either of them, then run "reverse" again.');
    const copied = await copiedTables(client);
    for (const [index, { table, inTarget }] of plans.entries()) {
      if (!inTarget || copied.has(table.name)) continue;
      // The source accounts for it from now on: without that the next load would take its rows for somebody else's.
      await recordCopied(client, table.name, runId, verdicts[index]?.target.rows ?? 0);
    }
    return {
      tables: plans.map((plan, index) => manifestOf(plan, verdicts[index] as TableVerdict)),
      files: source.copy.files,
      excluded: source.excluded,
    };
  } finally {
    await source.close();
  }
}

/** Without the promises of the table: what the new relay needs must not stand in the way of the old one. */
function verdictOf(client: pg.Client, table: Table, rows: Promise<TableDigest>): Promise<TableVerdict> {
  return verifyTable(client, { ...table, promises: [] }, rows);
}

/** What only the source has is kept, or was deleted; nothing of it may be left over. */
function verdictWithoutTarget({ name }: Table, source: TableDigest): TableVerdict {
  const target = new DigestSum().result();
  const findings = source.rows === 0 ? [] : [`the target has no such table, and the source ${source.rows} rows of it`];
  return { table: name, verdict: findings.length === 0 ? 'verified' : 'mismatch', source, target, findings };
}

function manifestOf(
  { table, inTarget, inserted, updated, deleted, kept }: TablePlan,
  { target }: TableVerdict,
): TableManifest {
  return {
    ...described(table),
    ...target,
    quarantinedRows: 0,
    copied: 0,
    inserted,
    updated,
    deleted,
    kept: kept.rows,
    ...(!inTarget && { onlyInSource: true as const }),
  };
}
