import type pg from 'pg';
import { assertAuthoritySource, recordCopied } from './control-schema.ts';
import { copyIn } from './copy-in.ts';
import { DigestSum, hashRow, type TableDigest } from './digest.ts';
import type { Progress } from './progress.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { encodedRows } from './source-rows.ts';
import type { Table } from './table-kinds.ts';

/**
 * Copies one table whole. The table, its rows and its progress row are one transaction: killed at any point, either all
 * of it stands or nothing.
 *
 * @returns rows and digest of what was read from the source
 * @throws Refused when a row cannot go over as it is, or authority is with the target
 */
export async function copyTable(
  client: pg.Client,
  source: Source,
  table: Table,
  runId: string,
  progress: Progress,
): Promise<TableDigest> {
  const sum = new DigestSum();
  const total = source.countRows(table);
  progress.say(`Migrating ${table.name}: ${total} rows`);
  const counter = progress.rows('copied', table.name, total);

  await client.query('BEGIN');
  try {
    await assertAuthoritySource(client);
    for (const statement of table.create) await client.query(statement);
    progress.moment(`table created: ${table.name}`);
    const names = table.columns.map((column) => column.name);
    await copyIn(client, table.name, names, countedTuples(source, table, sum, counter.add));
    await recordCopied(client, table.name, runId, sum.rows);
    progress.moment(`table filled: ${table.name}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
  counter.end();
  progress.moment(`table committed: ${table.name}`);
  return sum.result();
}

function* countedTuples(
  source: Source,
  table: Table,
  sum: DigestSum,
  count: (rows: number) => void,
): Generator<Buffer> {
  const encoder = new RowEncoder(table.columns);
  for (const fields of encodedRows(source, table, encoder)) {
    sum.add(hashRow(fields));
    yield encoder.tuple(fields);
    count(1);
  }
}
