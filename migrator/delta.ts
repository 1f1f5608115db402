import type pg from 'pg';
import { copyIn } from './copy-in.ts';
import { bytesOf, hashRow, rowHashSql, withColumn } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import type { Progress } from './progress.ts';
import { compareBuckets, type DirtyBuckets, inBucketsSql, isDirty, type SourceBuckets } from './row-buckets.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

export interface DeltaResult extends SourceFigures {
  inserted: number;
  deleted: number;
}

/**
 * Makes the target's table equal to the source's: rows that only the target has go, rows that only the source has come;
 * a changed row is one of each. Runs inside the caller's transaction, with tables that others refer to first: deleting an
 * event takes its tags along, and the tags' own delta brings back those that should be there.
 *
 * @param buckets the work that sums those of the source
 * @returns rows, digest and bytes of the source, and what was changed in the target
 */
export async function applyDelta(
  client: pg.Client,
  source: Source,
  table: Table,
  buckets: Promise<SourceBuckets>,
  progress: Progress,
): Promise<DeltaResult> {
  const { ours, dirty } = await compareBuckets(client, source, table, buckets);
  progress.moment(`compared: ${table.name}`);
  const change =
    dirty.size === 0 ? { inserted: 0, deleted: 0 } : await exchangeRows(client, source, table, dirty, ours);
  progress.moment(`delta applied: ${table.name}`);
  return { ...ours.figures, ...change };
}

async function exchangeRows(
  client: pg.Client,
  source: Source,
  table: Table,
  dirty: DirtyBuckets,
  ours: SourceBuckets,
): Promise<{ inserted: number; deleted: number }> {
  const name = quoteIdentifier(table.name);
  const names = table.columns.map((column) => column.name);
  const columns = names.map(quoteIdentifier).join(', ');
  // Equal rows are told apart by a number, so that of three duplicates against two exactly one comes or goes.
  const numbered = 'SELECT ctid AS place, row_hash, row_number() OVER (PARTITION BY row_hash) AS occurrence';

  await client.query(
    `CREATE TEMP TABLE cutover_delta ON COMMIT DROP AS SELECT ${columns}, ''::bytea AS row_hash FROM ${name} WITH NO DATA`,
  );
  await copyIn(client, 'cutover_delta', [...names, 'row_hash'], dirtyTuples(source, table, dirty, ours));
  await client.query(`CREATE TEMP TABLE cutover_ours ON COMMIT DROP AS ${numbered} FROM cutover_delta`);
  await client.query(
    `CREATE TEMP TABLE cutover_theirs ON COMMIT DROP AS ${numbered}
     FROM ${withColumn('row_hash', rowHashSql(table.columns), table.name, 'ctid, ')}
     WHERE ${inBucketsSql(dirty)}`,
  );
  // Temporary tables have no statistics of their own, and without them the anti-joins become nested loops.
  await client.query('ANALYZE cutover_delta, cutover_ours, cutover_theirs');
  // No other names than these stand beside the table's own, which may be any that does not begin with cutover_.
  const deleted = await client.query(
    `DELETE FROM ${name} USING cutover_theirs WHERE ${name}.ctid = cutover_theirs.place
     AND NOT EXISTS (SELECT FROM cutover_ours WHERE cutover_ours.row_hash = cutover_theirs.row_hash AND cutover_ours.occurrence = cutover_theirs.occurrence)`,
  );
  const inserted = await client.query(
    `INSERT INTO ${name} (${columns}) SELECT ${names.map((column) => `cutover_delta.${quoteIdentifier(column)}`).join(', ')} FROM cutover_delta JOIN cutover_ours AS ours ON ours.place = cutover_delta.ctid
     WHERE NOT EXISTS (SELECT FROM cutover_theirs AS theirs WHERE theirs.row_hash = ours.row_hash AND theirs.occurrence = ours.occurrence)`,
  );
  await client.query('DROP TABLE cutover_delta, cutover_ours, cutover_theirs');
  return { inserted: inserted.rowCount ?? 0, deleted: deleted.rowCount ?? 0 };
}

/** The rows are known by their place: only those of dirty buckets are read once more. */
function* dirtyTuples(source: Source, table: Table, dirty: DirtyBuckets, { ofRows }: SourceBuckets): Generator<Buffer> {
  const encoder = new RowEncoder(table.columns);
  const rowOf = source.row(table);
  let place = 0;
  for (const rowid of source.rowids(table)) {
    if (isDirty(dirty, ofRows[place++] as number)) {
      const record = encoder.encode(rowOf(rowid), 1) as Buffer;
      yield encoder.tuple(record, bytesOf(hashRow(record)));
    }
  }
}
