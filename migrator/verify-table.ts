import type pg from 'pg';
import { DigestSum, type DigestSumRow, parseDigest, type TableDigest, tableDigestSql } from './digest.ts';
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
  if (!(await tableExists(client, table.name))) {
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

export async function tableExists(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [quoteIdentifier(name)])).rows[0].there;
}
