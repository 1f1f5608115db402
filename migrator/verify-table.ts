import pg from 'pg';
import { DigestSum, type DigestSumRow, digestSumSql, parseDigest, type TableDigest, tableDigestSql } from './digest.ts';
import { quoteIdentifier, type RowPromise, type Table } from './table-kinds.ts';
import { together } from './together.ts';

export interface TableVerdict {
  table: string;
  verdict: 'verified' | 'mismatch';
  source: TableDigest;
  target: TableDigest;
  /** Rows of the source that stand in `cutover.quarantine` and not in the target; absent where there are none. */
  quarantined?: TableDigest;
  /** What is wrong, one sentence each; empty when verified. */
  findings: string[];
}

/**
 * Compares one table of the target with the source's rows and digest. The target's figures are computed afresh over
 * every row: counts alone let ten of ten altered rows pass.
 *
 * @param expected the source's figures, or the work that finds them: the server computes its own meanwhile
 * @param quarantined the figures of the source's rows that must stand in `cutover.quarantine`; without them nobody looks there
 * @param computed the target's figures, where they were computed after its last write
 */
export async function verifyTable(
  client: pg.Client,
  table: Table,
  expected: TableDigest | Promise<TableDigest>,
  quarantined?: TableDigest,
  computed?: TableDigest,
): Promise<TableVerdict> {
  const [source, target] = await together(expected, computed ?? targetDigest(client, table));
  if (target === undefined) {
    return mismatch(table.name, source, ['the target has no such table']);
  }
  const findings: string[] = [];
  if (target.rows !== source.rows) findings.push(`the source has ${source.rows} rows and the target ${target.rows}`);
  else if (target.digest !== source.digest)
    findings.push(`the same number of rows (${source.rows}), but not the same rows`);
  for (const promise of table.promises) {
    const violations = await countViolations(client, table, promise);
    if (violations > 0) findings.push(`not true for ${violations} rows: ${promise.title}`);
  }
  if (quarantined) findings.push(...(await quarantineFindings(client, table, quarantined)));
  const verdict = findings.length === 0 ? 'verified' : 'mismatch';
  return { table: table.name, verdict, source, target, ...(quarantined?.rows && { quarantined }), findings };
}

async function quarantineFindings(client: pg.Client, { name }: Table, source: TableDigest): Promise<string[]> {
  const { rows: schema } = await client.query("SELECT to_regclass('cutover.quarantine') IS NOT NULL AS there");
  const there = schema[0].there ? await quarantineDigest(client, name) : new DigestSum().result();
  if (there.rows !== source.rows)
    return [
      `the source has ${source.rows} rows for the quarantine, and cutover.quarantine ${there.rows} of this table`,
    ];
  return there.digest === source.digest
    ? []
    : [`not the same ${source.rows} rows in cutover.quarantine as in the source`];
}

async function quarantineDigest(client: pg.Client, name: string): Promise<TableDigest> {
  const { rows } = await client.query<DigestSumRow>(
    `SELECT ${digestSumSql('row_bits')}
     FROM (SELECT ('x' || encode(row_hash, 'hex'))::bit(256) AS row_bits FROM cutover.quarantine WHERE table_name = $1) AS hashed`,
    [name],
  );
  return parseDigest(rows[0] as DigestSumRow);
}

/** The verdict on a table of the target whose rows cannot be looked at. */
export function mismatch(table: string, source: TableDigest, findings: string[]): TableVerdict {
  return { table, verdict: 'mismatch', source, target: new DigestSum().result(), findings };
}

/**
 * Counts the rows for which a promise does not hold, exactly. Those that bear the number of the transaction that copied the
 * table were computed by its own statements and not written again: any change gives a row another number (`xmin`), which
 * VACUUM leaves alone. Only the others are computed anew, since that would take seconds in every write stop. The row of
 * `table_progress` is of the copy's transaction too; where it is missing, or is of another one than the rows, every row is
 * looked at.
 */
async function countViolations(client: pg.Client, { name }: Table, { broken, suspect }: RowPromise): Promise<number> {
  const recorded = await client.query("SELECT to_regclass('cutover.table_progress') IS NOT NULL AS there");
  const writtenSince = recorded.rows[0].there
    ? `xmin IS DISTINCT FROM (SELECT xmin FROM cutover.table_progress WHERE table_name = ${pg.escapeLiteral(name)})`
    : 'true';
  const { rows } = await client.query<{ violations: number }>(
    `SELECT count(*)::float8 AS violations FROM ${quoteIdentifier(name)} WHERE (${suspect} OR ${writtenSince}) AND ${broken}`,
  );
  return (rows[0] as { violations: number }).violations;
}

/** Rows and digest of a table of the target, computed over every row; undefined where there is no such table. */
export async function targetDigest(client: pg.Client, table: Table): Promise<TableDigest | undefined> {
  if (!(await tableExists(client, table.name))) return undefined;
  const { rows } = await client.query<DigestSumRow>(tableDigestSql(table));
  return parseDigest(rows[0] as DigestSumRow);
}

export async function tableExists(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [quoteIdentifier(name)])).rows[0].there;
}
