import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler as createReader, type ReadManifestResult } from '../../lambdas/read-manifest.ts';
import { createHandler } from '../../lambdas/verify-counts.ts';
import { GENERIC, withGenericTables } from '../support/generic-place.ts';
import { migratePlace, type Place } from '../support/migrator.ts';
import { copyOfDatabase } from '../support/postgres.ts';
import { connectTo, onTarget, type SignedPlace, signedPlace } from '../support/signed-target.ts';
import { withClient } from '../support/table-bytes.ts';

let signed: SignedPlace;
let place: Place;
let tables: Map<string, ReadManifestResult['tables'][number]>;

beforeAll(async () => {
  signed = await signedPlace();
  place = withGenericTables(signed);
  expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
  const read = onTarget(createReader({ connect: connectTo(place.url) }));
  const manifest = await read({ runIdPrefix: 'manual/', mode: 'load', samples: [], taskFailure: null });
  // As the state machine hands it on.
  tables = new Map(JSON.parse(JSON.stringify(manifest.tables)).map((one: { table: string }) => [one.table, one]));
});

afterAll(() => signed.remove());

const tableOf = (name: string) => tables.get(name) as ReadManifestResult['tables'][number];

async function verdictAfter(name: string, harm: string) {
  const url = await copyOfDatabase(place.url);
  const { rowCount } = await withClient(url, (client) => client.query(harm));
  return { rowCount, ...(await onTarget(createHandler({ connect: connectTo(url) }))(tableOf(name))) };
}

describe('verify-counts of a generic table', () => {
  it.each(GENERIC)('finds nothing wrong with %s as the migrator left it', async (name) => {
    const { rows, digest } = tableOf(name);
    expect(await onTarget(createHandler({ connect: connectTo(place.url) }))(tableOf(name))).toEqual({
      table: name,
      verdict: 'verified',
      source: { rows, digest },
      target: { rows, digest },
      findings: [],
    });
  });

  it.each<[string, string, string, number]>([
    ['an integer', 'media', 'UPDATE media SET size = size + 1 WHERE id = 7', 1],
    ['the last bit of a real', 'media', `UPDATE media SET score = 0.14285714285714288 WHERE id = 1`, 1],
    ['a real that has become NULL', 'media', 'UPDATE media SET score = NULL WHERE id = 1', 1],
    ['a NULL that has become 0', 'media', 'UPDATE media SET score = 0 WHERE id = 2', 1],
    ['a text', 'media', `UPDATE media SET name = name || ' ' WHERE id = 1`, 1],
    [
      'the last byte of a blob',
      'media',
      `UPDATE media SET data = set_byte(data, 19, get_byte(data, 19) # 1) WHERE id = 20`,
      1,
    ],
    ['an empty blob that has become NULL', 'odd "names', `UPDATE "odd ""names" SET place = NULL WHERE place = ''`, 1],
    ['a -0 that has lost its sign', 'odd "names', `UPDATE "odd ""names" SET rid = 0 WHERE rid = 0`, 2],
    ['an infinity', 'odd "names', `UPDATE "odd ""names" SET rid = 1.7976931348623157e308 WHERE rid = 'Infinity'`, 1],
    [
      'an empty text that has become NULL',
      'odd "names',
      `UPDATE "odd ""names" SET occurrence = NULL WHERE occurrence = ''`,
      1,
    ],
    ['a value in the next column', 'media', `UPDATE media SET size = NULL, score = size, data = data WHERE id = 2`, 1],
  ])('sees %s in %s', async (_, name, harm, rowCount) => {
    const { rows } = tableOf(name);
    expect(await verdictAfter(name, harm)).toMatchObject({
      rowCount,
      verdict: 'mismatch',
      findings: [`the same number of rows (${rows}), but not the same rows`],
    });
  });

  it('sees a duplicate that went', async () => {
    const harm = `DELETE FROM "odd ""names" WHERE ctid = (SELECT min(ctid) FROM "odd ""names" WHERE occurrence = 'a')`;
    expect(await verdictAfter('odd "names', harm)).toMatchObject({
      verdict: 'mismatch',
      findings: ['the source has 4 rows and the target 3'],
    });
  });

  it('sees a table that is gone, and one of other types', async () => {
    expect(await verdictAfter('media', 'DROP TABLE media')).toMatchObject({
      verdict: 'mismatch',
      findings: ['the target has no such table'],
    });
    expect(await verdictAfter('media', 'ALTER TABLE media ALTER COLUMN size TYPE float8')).toMatchObject({
      verdict: 'mismatch',
      findings: ['the same number of rows (30), but not the same rows'],
    });
  });

  it('refuses one of which the manifest does not tell the columns', async () => {
    const { columns, ...event } = tableOf('media');
    expect(columns).toHaveLength(6);
    await expect(onTarget(createHandler({ connect: connectTo(place.url) }))(event)).rejects.toThrow(
      'No table kind is known for "media": expected one of events, event_tags, kv.',
    );
  });
});
