import type pg from 'pg';
import { assertAuthoritySource, recordCopied } from './control-schema.ts';
import { copyBatchesIn } from './copy-in.ts';
import type { SourceFigures } from './manifest.ts';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { columnDefinition, quoteIdentifier, type Table } from './table-kinds.ts';
import type { TableReaders } from './table-readers.ts';

/** What the copies of one pass share. */
export interface Copying {
  source: Source;
  readers: TableReaders;
  runId: string;
  progress: Progress;
}

/**
 * Copies one table whole. The table, its rows and its progress row are one transaction: killed at any point, either all
 * of it stands or nothing.
 *
 * @returns rows, digest and bytes of what was read from the source
 * @throws Refused when a row cannot go over as it is, or authority is with the target
 */
export async function copyTable(client: pg.Client, table: Table, copying: Copying): Promise<SourceFigures> {
  const { runId, progress } = copying;
  const byWay = table.createFrom && unloggedTable(table);
  try {
    await client.query('BEGIN');
    await assertAuthoritySource(client);
    await runAll(client, byWay ? byWay.create : table.create);
    const figures = await copyRows(client, table, byWay?.name ?? quoteIdentifier(table.name), copying);
    progress.moment(`rows sent: ${table.name}`);
    if (table.createFrom && byWay) await runAll(client, [...table.createFrom(byWay.name), ...byWay.drop]);
    await recordCopied(client, table.name, runId, figures.rows);
    progress.moment(`table filled: ${table.name}`);
    await client.query('COMMIT');
    progress.moment(`table committed: ${table.name}`);
    return figures;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** A table that is there in one transaction only: not logged, and not temporary, since the server's workers cannot read another's temporary tables. */
function unloggedTable({ name, columns }: Table): { name: string; create: string[]; drop: string[] } {
  const qualified = `cutover.${quoteIdentifier(name)}`;
  return {
    name: qualified,
    create: [`CREATE UNLOGGED TABLE ${qualified} (${columns.map(columnDefinition).join(', ')})`],
    drop: [`DROP TABLE ${qualified}`],
  };
}

async function runAll(client: pg.Client, statements: string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}

async function copyRows(
  client: pg.Client,
  table: Table,
  into: string,
  { readers, progress, source }: Copying,
): Promise<SourceFigures> {
  progress.moment(`table created: ${table.name}`);
  progress.say(`Migrating ${table.name}: ${source.countRows(table)} rows`);
  const names = table.columns.map((column) => column.name);
  return copyBatchesIn(client, into, names, (send) => readers.read('copy', table, send));
}
