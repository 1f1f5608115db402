import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { change, chosen, GENERIC, genericPlace, newestManifest, said } from '../support/generic-place.ts';
import { sqliteCells } from '../support/generic-rows.ts';
import { migrateHere, migratePlace, type Place } from '../support/migrator.ts';
import { changeTarget, copyOf, handOver, reversed, writeAsKilledRelay } from '../support/reversed.ts';
import { differences, withClient, withSqliteCopy } from '../support/table-bytes.ts';

async function handedOver(): Promise<Place> {
  const place = await genericPlace();
  await handOver(place);
  return place;
}

const onPostgres = (place: Place, ...statements: string[]) =>
  withClient(place.url, async (client: pg.Client) => {
    for (const statement of statements) await client.query(statement);
  });

const classes = (place: Place, column: string) =>
  withSqliteCopy(place.sqlitePath, (database) =>
    database.prepare(`SELECT id, typeof(${column}) FROM media ORDER BY id`).raw().all(),
  );

/** Every kind of value and of change, and fewer deletions than are refused. */
const CHANGES = [
  'DELETE FROM media WHERE id = 3',
  `UPDATE media SET score = NULL, data = '\\x0001', size = NULL WHERE id = 4`,
  `UPDATE media SET score = 5 WHERE id = 7`,
  // They exchange a name that no two rows may have.
  `UPDATE media SET name = 'other' WHERE id = 5`,
  `UPDATE media SET name = 'name 5' WHERE id = 6`,
  `UPDATE media SET name = 'name 6' WHERE id = 5`,
  `INSERT INTO media VALUES (-9223372036854775808, 'größe 🚀 \\N', 'nobody', 9223372036854775807, 'Infinity', decode(repeat('00ff', 100000), 'hex'))`,
  `INSERT INTO media VALUES (100, '', NULL, NULL, 5e-324, '')`,
  `INSERT INTO "odd ""names" VALUES (NULL, '-0', NULL), ('\\x', '-Infinity', ''), (NULL, NULL, NULL), (NULL, NULL, NULL), (NULL, 1e16, 'x')`,
  `DELETE FROM "odd ""names" WHERE occurrence IS NULL AND rid = -5e-324`,
];

describe('the way back of generic tables', () => {
  it('brings every kind of value and change, and leaves classes and the excluded table alone', async () => {
    const place = await handedOver();
    const invites = sqliteCells(place.sqlitePath, 'invite');
    await changeTarget(place.url);
    await onPostgres(place, ...CHANGES);
    const tried = await migratePlace('check-reverse', place);
    expect(tried).toMatchObject({ code: 0 });
    expect((await newestManifest(place.url)).excluded).toEqual([{ table: 'invite', rows: 20 }]);
    const result = await reversed(place, place.options);
    expect(result).toMatchObject({ code: 0, outcome: 'verified' });
    expect(said(result)).toEqual(
      expect.arrayContaining([
        'The table "invite" stays in the SQLite file as it is: 20 rows',
        'Foreign keys are not kept on the way back, since PostgreSQL has not those of media, invite: a row there may refer to one that PostgreSQL has no longer.',
        'Brought back media: +2 ~4 -1 rows',
        'Brought back odd "names: +5 ~0 -1 rows',
      ]),
    );
    expect(await differences(place, GENERIC)).toEqual([]);
    expect(sqliteCells(place.sqlitePath, 'invite')).toEqual(invites);
    expect(classes(place, 'score')).toEqual(
      expect.arrayContaining([
        [7, 'real'],
        [8, 'null'],
        [9, 'integer'],
      ]),
    );
    const { tables, excluded } = await newestManifest(place.url);
    expect(excluded).toEqual([{ table: 'invite', rows: 20 }]);
    expect(tables.find(({ table }: { table: string }) => table === 'media')).toMatchObject({
      kind: 'generic',
      rows: 21,
      columns: expect.arrayContaining([{ name: 'score', type: 'float8', nullable: true }]),
    });
    expect(await reversed(place, place.options)).toMatchObject({ code: 0 });
  });

  it("keeps what an old relay has written since: the target's row where a key is alike, and values that it cannot hold", async () => {
    const place = await handedOver();
    await writeAsKilledRelay(place.sqlitePath, (database) => {
      database.pragma('foreign_keys = OFF');
      database.exec(`
        UPDATE media SET size = 'not a number' WHERE id = 1;
        UPDATE media SET size = -1 WHERE id = 2;
        UPDATE media SET size = 'text where PostgreSQL has NULL' WHERE id = 3;
        INSERT INTO media VALUES (50, 'new', NULL, 0.5, 'text', 5), (51, 'taken', NULL, 1, NULL, NULL), (52, 'other', NULL, 1, 9007199254740993, NULL);
        INSERT INTO "odd ""names" VALUES ('text', 'text', x'01'), (NULL, NULL, NULL);`);
    });
    await onPostgres(
      place,
      `INSERT INTO media VALUES (60, 'taken', NULL, 2, NULL, NULL)`,
      'UPDATE media SET size = NULL WHERE id = 3',
    );
    const result = await reversed(place, place.options);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result)).toContain(
      'The SQLite files are not those that the cutover left: a relay has written to them since. Rows that only SQLite has stay there: 2 of media, 2 of odd "names.',
    );
    const rows = withSqliteCopy(place.sqlitePath, (database) =>
      database.prepare('SELECT id, name, size FROM media WHERE id < 4 OR id > 49 ORDER BY id').raw().all(),
    );
    expect(rows).toEqual([
      [1, 'name 1', 1],
      [2, 'name 2', 2],
      [3, 'name 3', null],
      [50, 'new', 0.5],
      [52, 'other', 1],
      [60, 'taken', 2],
    ]);
  });

  it('leaves a table as it is that no load has brought over', async () => {
    const place = await genericPlace();
    const without = { ...place, options: chosen(['invite', 'media'], ['odd "names']) };
    await handOver(without);
    const before = sqliteCells(place.sqlitePath, 'media');
    await onPostgres(place, `INSERT INTO kv VALUES ('new', '')`);
    const result = await reversed(place, place.options);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result)).toContain('The table "media" stays in the SQLite file as it is: 20 rows');
    expect(sqliteCells(place.sqlitePath, 'media')).toEqual(before);
  });

  it('is refused with other options than those of the load, and nothing is changed', async () => {
    const place = await handedOver();
    await onPostgres(place, 'DELETE FROM media WHERE id = 3');
    const before = sqliteCells(place.sqlitePath, 'media');
    const excluded = { ...place, options: chosen(['invite', 'media'], ['odd "names']) };
    const told = { sqlitePath: place.sqlitePath, url: place.url };
    for (const mode of ['check-reverse', 'reverse']) {
      const copy = await copyOf(place);
      expect({
        mode,
        ...(await migratePlace(mode, { ...excluded, ...copy, options: excluded.options })),
      }).toMatchObject({
        code: 2,
        message: expect.stringContaining(
          mode === 'reverse'
            ? '"media" was copied by an earlier run, and is excluded now (repeat with --generic media if it is to go over)'
            : '19 rows of "media", a table that the old relay does not know',
        ),
      });
      expect({ mode, ...(await migratePlace(mode, told)) }).toMatchObject({ code: 2 });
    }
    expect(sqliteCells(place.sqlitePath, 'media')).toEqual(before);
  });

  it('is refused by check-reverse for columns and values that SQLite has no place for', async () => {
    const place = await handedOver();
    await onPostgres(
      place,
      'ALTER TABLE media ADD COLUMN more TEXT, ADD COLUMN search_vector TEXT, ALTER COLUMN name DROP NOT NULL',
      `UPDATE media SET more = 'x' WHERE id < 4`,
      // No computed one: it has the name alone.
      `UPDATE media SET search_vector = 'x' WHERE id < 3`,
    );
    expect(await migratePlace('check-reverse', place)).toMatchObject({
      code: 2,
      message:
        'PostgreSQL has data that SQLite has no place for:\n  3 values of "media"."more", a column that the old relay does not know\n  2 values of "media"."search_vector", a column that the old relay does not know\nNothing was changed. If it may stay behind in PostgreSQL, repeat with --allow-deletions (or CUTOVER_ALLOW_DELETIONS=1).',
    });
    await onPostgres(place, 'UPDATE media SET name = NULL WHERE id = 1');
    expect(await migratePlace('check-reverse', place)).toMatchObject({
      code: 2,
      message:
        'PostgreSQL has rows that SQLite cannot hold:\n  1 rows of "media" have NULL in "name"\nNothing was changed. Give these columns a value, or delete the rows, in PostgreSQL; then repeat.',
    });
  });

  it('is refused for values that the declaration of their column would change', async () => {
    const place = await genericPlace();
    change(
      place,
      `CREATE TABLE loose (id INTEGER PRIMARY KEY, n INTEGER, r REAL); INSERT INTO loose VALUES (1, 'text', 0.5), (2, '1x', 5);`,
    );
    const told = { ...place, options: chosen(['invite'], [...GENERIC, 'loose']) };
    await handOver(told);
    await onPostgres(place, `INSERT INTO loose VALUES (3, '12', '-0'), (4, ' 1e3 ', 1), (5, '0x10', 2)`);
    const before = sqliteCells(place.sqlitePath, 'loose');
    for (const mode of ['check-reverse', 'reverse'])
      expect(await migratePlace(mode, told)).toMatchObject({
        code: 2,
        message:
          'SQLite would change values that PostgreSQL has:\n  2 values of "loose"."n", which is declared as INTEGER\n  1 values of "loose"."r", which is declared as REAL\nNothing was changed. Give them another form in PostgreSQL, or delete the rows; then repeat.',
      });
    expect(sqliteCells(place.sqlitePath, 'loose')).toEqual(before);
    await onPostgres(place, `UPDATE loose SET n = 'x' || n, r = 0 WHERE id > 2`);
    expect(await migratePlace('reverse', told)).toMatchObject({ code: 0 });
    expect(await differences(place, [...GENERIC, 'loose'])).toEqual([]);
  });

  it('is refused when the target has other types than a load gives, or has lost a column', async () => {
    const place = await handedOver();
    await onPostgres(place, 'ALTER TABLE media ALTER COLUMN size TYPE numeric');
    for (const mode of ['check-reverse', 'reverse'])
      expect(await migratePlace(mode, place)).toMatchObject({
        code: 2,
        message: `The target's types of generic tables are not those of a load: "media"."size" has the type numeric; expected text, bytea, integer, bigint, double precision. Nothing was changed. Change them back, then repeat.`,
      });
    await onPostgres(place, 'ALTER TABLE media DROP COLUMN size');
    expect(await migratePlace('reverse', place)).toMatchObject({
      code: 2,
      message: `The table "media" has a column "size", which the target has not: it has id, name, event, score, data. Add the column in PostgreSQL, then repeat.`,
    });
  });

  it('takes rows with a key alike for changed ones, however many, and lists no others as deleted', async () => {
    const place = await handedOver();
    await onPostgres(
      place,
      `UPDATE media SET score = 7 WHERE id <> 20`,
      'DELETE FROM media WHERE id = 20',
      // In the place of two rows, each of which has one of its keys.
      `DELETE FROM media WHERE id IN (1, 2)`,
      `INSERT INTO media VALUES (1, 'name 2', NULL, 0, 0, NULL)`,
    );
    const result = await reversed(place, place.options);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result).slice(3, 6)).toEqual([
      expect.stringMatching(
        /^Rows that PostgreSQL has no longer and that go from SQLite too:\n {2}2 of 20 rows of "media":\n {4}"20 name 20 .*"\n {4}and 1 more$/,
      ),
      'Brought back kv: +0 ~0 -0 rows',
      'Brought back media: +0 ~18 -2 rows',
    ]);
    expect(await differences(place, GENERIC)).toEqual([]);
  });

  it('asks before it deletes many rows, and shows them', async () => {
    const place = await handedOver();
    await onPostgres(place, `DELETE FROM "odd ""names"`);
    const { code, message } = await migrateHere('reverse', {
      SQLITE_PATH: place.sqlitePath,
      DATABASE_URL: place.url,
      ...place.options,
    });
    expect(code).toBe(2);
    expect(message?.split('\n').slice(1)).toEqual([
      '  4 of 4 rows of "odd "names", which is empty in PostgreSQL:',
      '    "00 Inf "',
      '    " -4.9406564584124654e-324 NULL"',
      '    "NULL 0.0 a"',
      '    "NULL 0.0 a"',
    ]);
  });
});
