import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowHashSql, withColumn } from '../../migrator/digest.ts';
import {
  bucketBits,
  compareBuckets,
  type DirtyBuckets,
  inBucketsSql,
  isDirty,
  type SourceBuckets,
  sourceBuckets,
} from '../../migrator/row-buckets.ts';
import { openSource } from '../../migrator/source.ts';
import { type Table, tableNamed } from '../../migrator/table-kinds.ts';
import { migratePlace } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { withClient } from '../support/table-bytes.ts';

const EVENTS = 700;
const TAGS = tableNamed('relay__event_tags');

interface Compared {
  ours: SourceBuckets;
  dirty: DirtyBuckets;
  /** Rows of the target that `inBucketsSql` finds. */
  found: number;
}

/** @param harm is done to the target after the load */
async function comparedAfter(harm: string, table: Table = TAGS): Promise<Compared> {
  const sqlitePath = join(await temporaryDirectory(), 'db');
  createRelaySource(sqlitePath, { events: EVENTS });
  const { url } = await freshDatabase();
  expect(await migratePlace('load', { sqlitePath, url })).toMatchObject({ code: 0 });
  const source = await openSource(sqlitePath);
  try {
    return await withClient(url, async (client) => {
      await client.query(harm);
      await client.query('BEGIN');
      const { ours, dirty } = await compareBuckets(
        client,
        source,
        table,
        sourceBuckets(source, table, { count: () => {} }),
      );
      const { rows } = await client.query(
        `SELECT count(*)::int AS found FROM ${withColumn('row_hash', rowHashSql(table.columns), table.name)} WHERE ${inBucketsSql(dirty)}`,
      );
      return { ours, dirty, found: rows[0].found };
    });
  } finally {
    await source.close();
  }
}

function rowsIn({ ours, dirty }: Compared): number {
  return ours.ofRows.filter((bucket) => isDirty(dirty, bucket)).length;
}

describe('buckets of rows', () => {
  it.each([
    [0, 8],
    [256, 8],
    [257, 9],
    [1_000_000, 20],
    [100_000_000, 20],
  ])('are as many as %d rows need, and no more than a million', (rows, bits) => {
    expect(bucketBits(rows)).toBe(bits);
  });

  it('differ in none where both sides are equal, however many there are', async () => {
    const { ours, dirty, found } = await comparedAfter('SELECT');
    expect(ours.bits).toBeGreaterThan(bucketBits(0));
    expect(ours.ofRows.length).toBeGreaterThan(EVENTS);
    expect({ dirty, found }).toMatchObject({ dirty: { size: 0, targetRows: 0 }, found: 0 });
  });

  it('differ in the two that a changed row leaves and comes to', async () => {
    const compared = await comparedAfter(
      "UPDATE relay__events SET sig = 'changed' WHERE id = (SELECT min(id) FROM relay__events)",
      tableNamed('relay__events'),
    );
    expect(compared.dirty.size).toBe(2);
    expect(compared.found).toBe(compared.dirty.targetRows);
    // A bucket may hold some rows besides; they are told apart one by one.
    expect(rowsIn(compared)).toBeGreaterThan(0);
    expect(rowsIn(compared)).toBeLessThan(15);
  });

  it('differ in one where one of two equal rows is missing', async () => {
    const compared = await comparedAfter(
      'DELETE FROM relay__event_tags WHERE ctid = (SELECT max(ctid) FROM relay__event_tags GROUP BY event_id, key, value HAVING count(*) = 2 LIMIT 1)',
    );
    expect(compared.dirty.size).toBe(1);
    expect(compared.found).toBe(rowsIn(compared) - 1);
  });

  it('differ in all that have rows where the target has none', async () => {
    const compared = await comparedAfter('DELETE FROM relay__event_tags');
    expect(compared.dirty).toMatchObject({ size: new Set(compared.ours.ofRows).size, targetRows: 0 });
    expect(rowsIn(compared)).toBe(compared.ours.ofRows.length);
  });

  it('differ in those that only the target has rows in', async () => {
    const compared = await comparedAfter(
      "INSERT INTO kv SELECT 'more ' || i, 'x' FROM generate_series(1, 2000) AS i",
      tableNamed('kv'),
    );
    expect(compared.dirty.size).toBeGreaterThan(250);
    expect(compared.found).toBe(compared.dirty.targetRows);
    expect(compared.found).toBeGreaterThanOrEqual(2000);
  });
});
