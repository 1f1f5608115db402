import type pg from 'pg';
import { assertAuthoritySource, recordCopied } from './control-schema.ts';
import { copyIn } from './copy-in.ts';
import { DigestSum, hashRow } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import type { Progress } from './progress.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { encodedRows } from './source-rows.ts';
import { columnDefinition, quoteIdentifier, type Table } from './table-kinds.ts';

/** What the copies of one pass share. */
export interface Copying {
  source: Source;
  runId: string;
  progress: Progress;
  /** Lets one table be read at a time; while the server works on its rows, the next one is read. */
  inTurn<T>(read: () => Promise<T>): Promise<T>;
  /** Is shown every row as the source gives it; see `Source.rows`. */
  inspect?(table: Table, values: unknown[]): void;
}

/**
 * Copies one table whole. The table, its rows and its progress row are one transaction: killed at any point, either all
 * of it stands or nothing.
 *
 * @returns rows, digest and bytes of what was read from the source
 * @throws Refused when a row cannot go over as it is, or authority is with the target; what `inspect` throws
 */
export async function copyTable(client: pg.Client, table: Table, copying: Copying): Promise<SourceFigures> {
  const { runId, progress, inTurn } = copying;
  const byWay = table.createFrom && unloggedTable(table);
  try {
    const digest = await inTurn(async () => {
      await client.query('BEGIN');
      await assertAuthoritySource(client);
      await runAll(client, byWay ? byWay.create : table.create);
      return copyRows(client, table, byWay?.name ?? quoteIdentifier(table.name), copying);
    });
    progress.moment(`rows sent: ${table.name}`);
    if (table.createFrom && byWay) await runAll(client, [...table.createFrom(byWay.name), ...byWay.drop]);
    await recordCopied(client, table.name, runId, digest.rows);
    progress.moment(`table filled: ${table.name}`);
    await client.query('COMMIT');
    progress.moment(`table committed: ${table.name}`);
    return digest;
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

async function copyRows(client: pg.Client, table: Table, into: string, copying: Copying): Promise<SourceFigures> {
  const { source, progress } = copying;
  progress.moment(`table created: ${table.name}`);
  const sum = new DigestSum();
  const total = source.countRows(table);
  progress.say(`Migrating ${table.name}: ${total} rows`);
  const counter = progress.rows('copied', table.name, total);
  const names = table.columns.map((column) => column.name);
  await copyIn(client, into, names, countedTuples(table, copying, sum, counter.add));
  counter.end();
  return { ...sum.result(), bytes: sum.bytes };
}

function* countedTuples(
  table: Table,
  { source, inspect }: Copying,
  sum: DigestSum,
  count: (rows: number) => void,
): Generator<Buffer> {
  const encoder = new RowEncoder(table.columns);
  const look = inspect && ((values: unknown[]) => inspect(table, values));
  for (const fields of encodedRows(source, table, encoder, look)) {
    sum.add(hashRow(fields), fields.length);
    yield encoder.tuple(fields);
    count(1);
  }
}
