import type pg from 'pg';
import { GENERIC_KIND, genericTable } from '../migrator/generic-table.ts';
import { type Column, tableNamed } from '../migrator/table-kinds.ts';
import { type TableVerdict, verifyTable } from '../migrator/verify-table.ts';
import { EVENT_CHECKS } from './event-checks.ts';
import { type ConnectTarget, connectByIam, type OnTarget, withTarget } from './target-database.ts';

/** One table as the migrator's manifest tells of the source. */
export interface VerifyCountsEvent {
  table: string;
  kind: string;
  rows: number;
  digest: string;
  /** Rows and digest of what must stand in `cutover.quarantine`; absent where there is nothing. */
  quarantinedRows?: number;
  quarantinedDigest?: string;
  /** Of a generic table alone. */
  columns?: Column[];
}

/** Makes the handler that verifies one table of the target, on a connection and in a snapshot of its own. */
export function createHandler(dependencies: {
  connect: ConnectTarget;
}): (event: VerifyCountsEvent & OnTarget) => Promise<TableVerdict> {
  return ({ target, ...event }) =>
    withTarget(dependencies.connect, target, async (client) => {
      // One snapshot for all looks at the table.
      await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return verifyCounts(client, event);
    });
}

/**
 * Verifies one table of the target in the caller's transaction and trusts nobody: rows and digest are computed afresh, and
 * for events also what does not depend on the migrator's own arithmetic (event-checks.ts).
 *
 * @returns the verdict; a table that differs is a result here and not an error, so that all tables get their verdict
 */
export async function verifyCounts(
  client: pg.Client,
  { table: name, kind, rows, digest, columns, quarantinedRows = 0, quarantinedDigest }: VerifyCountsEvent,
): Promise<TableVerdict> {
  const table = kind === GENERIC_KIND && columns ? genericTable(name, columns) : tableNamed(name);
  const quarantined =
    quarantinedDigest === undefined ? undefined : { rows: quarantinedRows, digest: quarantinedDigest };
  const verdict = await verifyTable(client, table, { rows, digest }, quarantined);
  // Without rows there may be no table either, and nothing to look at.
  if (table.kind === 'events' && verdict.target.rows > 0) {
    for (const check of EVENT_CHECKS) {
      const { count, example } = await check.violations(client, table);
      if (count === 0) continue;
      verdict.verdict = 'mismatch';
      verdict.findings.push(`not true for ${count} events, such as ${example}: ${check.title}`);
    }
  }
  return verdict;
}

export const handler = createHandler({ connect: connectByIam(process.env) });
