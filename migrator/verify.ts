import type pg from 'pg';
import type { MigratorConfiguration } from './configuration.ts';
import { DigestSum, type DigestSumRow, hashRow, parseDigest, type TableDigest, tableDigestSql } from './digest.ts';
import type { Manifest } from './manifest.ts';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { encodedRows } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

export interface TableVerdict {
  table: string;
  verdict: 'verified' | 'mismatch';
  source: TableDigest;
  target: TableDigest;
  /** What is wrong, one sentence each; empty when verified. */
  findings: string[];
}

/**
 * Compares one table of the target with the source's rows and digest. The target's figures are computed afresh over
 * every row: counts alone let ten of ten altered rows pass.
 */
export async function verifyTable(client: pg.Client, table: Table, source: TableDigest): Promise<TableVerdict> {
  const { rows: found } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [
    quoteIdentifier(table.name),
  ]);
  if (!found[0].there) {
    const target = { rows: 0, digest: new DigestSum().result().digest };
    return { table: table.name, verdict: 'mismatch', source, target, findings: ['the target has no such table'] };
  }
  const { rows } = await client.query<DigestSumRow>(tableDigestSql(table));
  const target = parseDigest(rows[0] as DigestSumRow);
  const findings: string[] = [];
  if (target.rows !== source.rows) findings.push(`the source has ${source.rows} rows and the target ${target.rows}`);
  else if (target.digest !== source.digest)
    findings.push(`the same number of rows (${source.rows}), but not the same rows`);
  for (const promise of table.promises) {
    const { violations } = (await client.query<{ violations: number }>(promise.violations)).rows[0] as {
      violations: number;
    };
    if (violations > 0) findings.push(`not true for ${violations} rows: ${promise.title}`);
  }
  return { table: table.name, verdict: findings.length === 0 ? 'verified' : 'mismatch', source, target, findings };
}

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
  for (const table of source.tables) {
    const sum = new DigestSum();
    for (const fields of encodedRows(source, table)) sum.add(hashRow(fields));
    verdicts.push(await verifyTable(client, table, sum.result()));
  }
  assertVerified(verdicts, progress);
  const kinds = new Map(source.tables.map((table) => [table.name, table.kind]));
  return {
    runId: configuration.runId,
    mode: configuration.mode,
    source: { path: configuration.sqlitePath, files: source.copy.files },
    tables: verdicts.map(({ table, source }) => ({
      table,
      kind: kinds.get(table) ?? '',
      ...source,
      quarantinedRows: 0,
      copied: 0,
      inserted: 0,
      deleted: 0,
    })),
    seconds: {},
  };
}

/** Prints the closing line of every table. @throws Error when one of them does not match */
export function assertVerified(verdicts: TableVerdict[], progress: Progress): void {
  for (const verdict of verdicts) progress.say(verdictLine(verdict));
  const mismatches = verdicts.filter(({ verdict }) => verdict !== 'verified');
  if (mismatches.length === 0) return;
  throw new Error(
    `The target is not equal to the source: ${mismatches.map(({ table, findings }) => `${table}: ${findings.join('; ')}`).join(' | ')}. Run "reconcile" after the relay has stopped.`,
  );
}

/** The closing line of a table, in the form that runbook step 5c tells the operator to look for. */
function verdictLine({ table, verdict, source, target, findings }: TableVerdict): string {
  if (verdict === 'verified') return `  ${table}: source=${source.rows} dest=${target.rows} [OK]`;
  return `  ${table}: source=${source.rows} dest=${target.rows} [MISMATCH] ${findings.join('; ')}`;
}
