import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/read-manifest.ts';
import { change, chosen, GENERIC, genericPlace, newestManifest, said } from '../support/generic-place.ts';
import { postgresCells, shapeInPostgres } from '../support/generic-rows.ts';
import { environmentOf, migratePlace, type Place, runMigrator, runUntilKilled } from '../support/migrator.ts';
import { copyOf } from '../support/reversed.ts';
import { connectTo, onTarget } from '../support/signed-target.ts';
import { databaseObjects, differences, withClient } from '../support/table-bytes.ts';

async function loaded(): Promise<Place> {
  const place = await genericPlace();
  expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
  return place;
}

const query = (place: Place, sql: string) => withClient(place.url, (client) => client.query(sql));

describe('tables of no known kind', () => {
  it('go over or stay behind as they are told to, and the run says so', async () => {
    const place = await genericPlace();
    const result = await migratePlace('load', place);
    expect(said(result)).toEqual(
      expect.arrayContaining([
        'The table "invite" is left behind: 20 rows',
        'What PostgreSQL does not get of "media": foreign keys (1); the numbering of new rows (id; PostgreSQL gets no sequence).',
        '  media: source=20 dest=20 [OK]',
      ]),
    );
    expect(await differences(place, GENERIC)).toEqual([]);
    expect(
      (await postgresCells(place.url, 'odd "names')).filter((row) => row.includes('number 8000000000000000')),
    ).toHaveLength(2);
    expect(await databaseObjects(place.url)).not.toContain('relation public.invite');
    const manifest = await newestManifest(place.url);
    expect(manifest.excluded).toEqual([{ table: 'invite', rows: 20 }]);
    expect(manifest.tables).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          table: 'odd "names',
          kind: 'generic',
          rows: 4,
          copied: 4,
          columns: [
            { name: 'place', type: 'bytea', nullable: true },
            { name: 'rid', type: 'float8', nullable: true },
            { name: 'occurrence', type: 'text', nullable: true },
          ],
        }),
      ]),
    );
    expect(manifest.tables.find(({ table }: { table: string }) => table === 'kv')).not.toHaveProperty('columns');
  });

  it('are named on the command line as well', async () => {
    const { sqlitePath, url } = await genericPlace();
    const options = ['--exclude', 'invite', ...GENERIC.flatMap((name) => ['--generic', name])];
    const { code, stdout, stderr } = await runMigrator(['load', ...options], environmentOf({ sqlitePath, url }));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('The table "invite" is left behind: 20 rows\n');
    expect(await differences({ sqlitePath, url }, GENERIC)).toEqual([]);
  });

  it('are handed on to the state machine with their columns', async () => {
    const place = await loaded();
    const read = onTarget(createHandler({ connect: connectTo(place.url) }));
    const { tables, excluded } = await read({ runIdPrefix: 'manual/', mode: 'load', samples: [], taskFailure: null });
    expect(excluded).toEqual([{ table: 'invite', rows: 20 }]);
    expect(tables.find(({ table }) => table === 'odd "names')).toMatchObject({ columns: [{ name: 'place' }, {}, {}] });
    expect(tables.find(({ table }) => table === 'kv')).not.toHaveProperty('columns');
  });

  it('are brought up to date row by row', async () => {
    const place = await loaded();
    change(
      place,
      `DELETE FROM media WHERE id = 3;
       UPDATE media SET score = NULL, data = x'00' WHERE id = 4;
       UPDATE media SET name = 'other' WHERE id = 5;
       UPDATE media SET name = 'name 5' WHERE id = 6;
       UPDATE media SET name = 'name 6' WHERE id = 5;
       INSERT INTO media VALUES (-9223372036854775808, '', NULL, 9223372036854775807, 9e999, zeroblob(100000));
       DELETE FROM "odd ""names" WHERE rowid = 3;
       INSERT INTO "odd ""names" VALUES (NULL, 0.0, 'a'), (NULL, NULL, NULL), (x'00', 9e999, ''), (x'00', 9e999, '');`,
    );
    const result = await migratePlace('reconcile', place);
    expect(result).toMatchObject({ code: 0, outcome: 'verified' });
    expect(said(result)).toEqual(
      expect.arrayContaining(['Reconciled media: +4 -4 rows', 'Reconciled odd "names: +4 -1 rows']),
    );
    expect(await differences(place, GENERIC)).toEqual([]);
    expect(await migratePlace('verify', place)).toMatchObject({ code: 0 });
  });

  it.each<[string, string, string, string[], string]>([
    [
      'a real among the integers',
      `UPDATE media SET size = 0.5 WHERE id = 2`,
      'media',
      ['size double precision'],
      'it has the columns id bigint NOT NULL, name text NOT NULL, event text, size bigint, score double precision, data bytea, and the values of the source need id bigint NOT NULL, name text NOT NULL, event text, size double precision, score double precision, data bytea',
    ],
    [
      'texts in the place of blobs',
      `UPDATE "odd ""names" SET place = 'text'`,
      'odd "names',
      ['place text'],
      'it has the columns place bytea, rid double precision, occurrence text, and the values of the source need place text, rid double precision, occurrence text',
    ],
    [
      'a new column',
      `ALTER TABLE media ADD COLUMN more INTEGER NOT NULL DEFAULT 5`,
      'media',
      ['more bigint NOT NULL'],
      'it has the columns id bigint NOT NULL, name text NOT NULL, event text, size bigint, score double precision, data bytea, and the values of the source need id bigint NOT NULL, name text NOT NULL, event text, size bigint, score double precision, data bytea, more bigint NOT NULL',
    ],
  ])('are copied anew after %s, by load and by reconcile', async (_, sql, table, columns, differs) => {
    const place = await loaded();
    change(place, sql);
    const verified = await migratePlace('verify', place);
    expect(verified).toMatchObject({ code: 1 });
    expect(verified.message).toContain(
      `The target is not equal to the source: ${table}: ${differs}. Run "reconcile" after the relay has stopped.`,
    );
    for (const mode of ['load', 'reconcile']) {
      const other = await copyOf(place);
      const result = await migratePlace(mode, other);
      expect(result).toMatchObject({ code: 0 });
      expect(said(result)).toContain(`The target's table "${table}" is copied anew: ${differs}.`);
      expect(await shapeInPostgres(other.url, table)).toEqual(expect.arrayContaining(columns));
      expect(await differences(other, GENERIC)).toEqual([]);
      const { tables } = await newestManifest(other.url);
      const rows = table === 'media' ? 20 : 4;
      expect(tables.find((one: { table: string }) => one.table === table)).toMatchObject({ rows, copied: rows });
    }
  });

  it('are copied anew when the source has lost a key and has rows that the target would refuse', async () => {
    const place = await loaded();
    change(
      place,
      `ALTER TABLE media RENAME TO old; CREATE TABLE media (id INTEGER PRIMARY KEY, name TEXT NOT NULL, event TEXT, size INTEGER, score, data BLOB);
       INSERT INTO media SELECT id, 'same', event, size, score, data FROM old; DROP TABLE old;`,
    );
    const result = await migratePlace('reconcile', place);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result)).toContain(
      `The target's table "media" is copied anew: it has the keys media_name_key, which the source has not.`,
    );
    expect(await differences(place, GENERIC)).toEqual([]);
  });

  it('get a key that has come to the source since', async () => {
    const place = await loaded();
    change(place, `CREATE UNIQUE INDEX whatever ON media (event, size)`);
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await shapeInPostgres(place.url, 'media')).toContain('media_event_size_key UNIQUE (event, size)');
  });

  it('are refused when a load is followed by a run that is told nothing, and nothing is lost', async () => {
    const place = await loaded();
    for (const mode of ['check', 'load', 'reconcile', 'verify']) {
      const { code, message } = await migratePlace(mode, { sqlitePath: place.sqlitePath, url: place.url });
      expect({ mode, code }).toEqual({ mode, code: 2 });
      expect(message?.split('\n')).toEqual(
        ['invite', ...GENERIC].map((name) => expect.stringContaining(`The table "${name}" of `)),
      );
    }
    expect(await migratePlace('verify', place)).toMatchObject({ code: 0 });
  });

  it('are refused when one that was copied is to stay behind', async () => {
    const place = await loaded();
    const changed = { ...place, options: chosen(['invite', 'media'], ['odd "names']) };
    for (const mode of ['check', 'load', 'reconcile', 'verify']) {
      expect({ mode, ...(await migratePlace(mode, changed)) }).toMatchObject({
        mode,
        code: 2,
        message:
          'The target holds rows that this source does not account for: "media" was copied by an earlier run, and is excluded now (repeat with --generic media if it is to go over). Nothing was changed. Check DATABASE_URL; if the rows are not needed, drop these tables (and their rows of cutover.table_progress), then repeat.',
      });
    }
    expect(await differences(place, GENERIC)).toEqual([]);
  });

  it("are refused where the target has somebody else's rows under such a name", async () => {
    const place = await genericPlace();
    await query(place, 'CREATE TABLE media (id int); INSERT INTO media VALUES (1)');
    expect(await migratePlace('load', place)).toMatchObject({
      code: 2,
      message: expect.stringContaining(
        'The target holds rows that this source does not account for: "media" has 1 rows (it has the columns id integer; expected',
      ),
    });
  });
});

describe('a load that copies a generic table anew and is killed by SIGKILL', () => {
  it('is ended by the next one, at every moment from the drop to the copy', async () => {
    const place = await loaded();
    change(place, `UPDATE media SET size = 0.5 WHERE id = 2`);
    const { lines } = await migratePlace('load', await copyOf(place));
    const moments = lines.filter(({ event }) => event === 'moment').map(({ name }) => name);
    const first = moments.indexOf('changed table dropped: media');
    const last = moments.indexOf('table committed: media');
    expect(last - first).toBeGreaterThanOrEqual(3);
    for (let index = first; index <= last; index++) {
      const other = await copyOf(place);
      const moment = moments[index];
      expect({ moment, ...(await runUntilKilled('load', index + 1, other)) }).toMatchObject({
        moment,
        signal: 'SIGKILL',
      });
      expect({ moment, ...(await migratePlace('load', other)) }).toMatchObject({ moment, code: 0 });
      expect({ moment, differences: await differences(other, GENERIC) }).toEqual({ moment, differences: [] });
    }
  });
});
