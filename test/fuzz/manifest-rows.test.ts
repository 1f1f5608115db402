import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler as createAuthority } from '../../lambdas/authority.ts';
import { createHandler as createReadManifest } from '../../lambdas/read-manifest.ts';
import { createHandler as createVerifyCounts } from '../../lambdas/verify-counts.ts';
import { assertClear, cases, deepList, hostileJson, hostileText } from '../support/fuzz.ts';
import { connectTo, migrated, onTarget, type SignedPlace, signedPlace } from '../support/signed-target.ts';
import { withClient } from '../support/table-bytes.ts';

let place: SignedPlace;
let good: { tables: object[] };
const tried = { manifests: 0, tables: 0, times: 0 };

beforeAll(async () => {
  place = await signedPlace();
  await migrated(place, 'load', 'prepare/load');
  good = (await migrated(place, 'reconcile', 'run/0/0')) as typeof good;
});
afterAll(() => {
  place.remove();
  console.log(`fuzz: ${JSON.stringify(tried)}`);
});

/** PostgreSQL holds no NUL in jsonb, and no half of a pair. */
const storable = (value: unknown): string =>
  (JSON.stringify(value) ?? 'null')
    .replace(/\\u0000/g, '')
    .replace(/\\ud[89a-f][0-9a-f]{2}/gi, '')
    .replace(/[\ud800-\udfff]/g, '');

async function outcome<T>(work: Promise<T>): Promise<{ result: T } | { error: Error }> {
  return work.then(
    (result) => ({ result }),
    (error: unknown) => {
      assertClear(error, 20_000);
      return { error };
    },
  );
}

async function readBack(manifest: string): Promise<{ result: unknown } | { error: Error }> {
  tried.manifests += 1;
  await withClient(place.url, (client) =>
    client.query(`UPDATE cutover.run SET manifest = $1::jsonb WHERE run_id = 'run/0/0'`, [manifest]),
  );
  const read = onTarget(createReadManifest({ connect: connectTo(place.url) }));
  return outcome(read({ runIdPrefix: 'run/', mode: 'reconcile', samples: [{ id: 'x', sig: 'y' }], taskFailure: null }));
}

/** A manifest with something else in one of its places. */
const spoilt = fc
  .tuple(
    fc.constantFrom(
      'tables',
      'excluded',
      'archive',
      'table',
      'kind',
      'rows',
      'digest',
      'bytes',
      'columns',
      'quarantinedRows',
      'quarantinedDigest',
      'onlyInSource',
    ),
    hostileJson,
  )
  .map(([key, value]) =>
    key in { tables: 1, excluded: 1, archive: 1 }
      ? { ...good, [key]: value }
      : { ...good, tables: good.tables.map((table) => ({ ...table, [key]: value })) },
  );

describe('what read-manifest makes of a row in cutover.run', () => {
  it('is a manifest as the migrator writes it, or MigrationFailed with what is wrong', async () => {
    const property = fc.asyncProperty(fc.oneof(spoilt, hostileJson), async (manifest) => {
      const said = await readBack(storable(manifest));
      if ('error' in said) {
        expect(['MigrationFailed', 'error']).toContain(said.error.name);
        expect(said.error.message).toMatch(
          /is not as a migrator writes it|does not exist|zero-length delimited identifier/,
        );
      } else expect(JSON.parse(JSON.stringify(said.result))).toHaveProperty('tables');
    });
    await fc.assert(property, cases(60));
  });

  it.each([
    ['null', 'null'],
    ['a number', '7'],
    ['no tables', '{}'],
    ['tables that are none', '{"tables": {"length": 3}}'],
    ['5,000 levels', deepList(5_000)],
    ['30 MB', JSON.stringify({ tables: [], more: 'x'.repeat(30_000_000) })],
  ])('is MigrationFailed for %s', async (_, manifest) => {
    const said = await readBack(manifest);
    expect('error' in said && said.error.name).toBe('MigrationFailed');
  });
});

describe('what verify-counts makes of a table that it is told of', () => {
  const column = fc.record({ name: hostileText, type: fc.constantFrom('text', 'int8', 'int4', 'float8', 'bytea') });
  const table = fc.record({
    table: fc.oneof(
      hostileText,
      fc.constantFrom('kv', 'relay__events', 'pg_class', 'cutover', 'x"; DROP TABLE kv; --__events'),
    ),
    kind: fc.constantFrom('events', 'generic', 'kv', 'other'),
    rows: fc.nat(),
    digest: fc.oneof(hostileText, fc.constant('0'.repeat(64))),
    columns: fc.array(column, { minLength: 1, maxLength: 3 }),
  });

  it('is a verdict that is no success, or a clear error, and nothing is changed', async () => {
    const verify = onTarget(createVerifyCounts({ connect: connectTo(place.url) }));
    const property = fc.asyncProperty(table, async (given) => {
      tried.tables += 1;
      const said = await outcome(verify(JSON.parse(storable(given))));
      if ('result' in said) expect(said.result.verdict).toBe('mismatch');
    });
    await fc.assert(property, cases(60));
    const { rows } = await withClient(place.url, (client) => client.query('SELECT count(*)::int AS count FROM kv'));
    expect(rows).toEqual([{ count: 3 }]);
  });
});

describe('what authority makes of times and figures that no migrator writes', () => {
  const read = () => outcome(onTarget(createAuthority({ connect: connectTo(place.url) }))({ action: 'read' }));
  const TIMES = ['infinity', '-infinity', '294276-12-31', '4713-01-01 BC', '0001-01-01', 'epoch'];

  it.each(TIMES)('is the time or a refusal for %s', async (time) => {
    for (const statement of [
      `UPDATE cutover.authority SET changed_at = '${time}'`,
      `UPDATE cutover.authority SET changed_at = now(); UPDATE cutover.run SET finished_at = '${time}'`,
    ]) {
      tried.times += 1;
      await withClient(place.url, (client) => client.query(statement));
      const said = await read();
      if ('error' in said)
        expect(said.error.message).toMatch(/^The table cutover\.(authority|run) holds what no migrator writes: /);
    }
  });

  it.each([
    '{"tables": [{"rows": "x"}]}',
    '{"tables": 7}',
    '{"tables": [{"rows": {}}]}',
    '[]',
    '{"tables": [{"rows": 1e400}]}',
  ])('is the figure or a refusal for the manifest %s', async (manifest) => {
    tried.times += 1;
    await withClient(place.url, (client) =>
      client.query(`UPDATE cutover.run SET manifest = $1::jsonb, finished_at = now()`, [manifest]),
    );
    const said = await read();
    if ('error' in said) expect(said.error.message).toMatch(/^The table cutover\.run holds what no migrator writes: /);
  });
});
