import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { killAtEveryMoment, momentsOf } from '../support/every-moment.ts';
import { environmentOf, migratePlace, type Place, runUntilKilled, startMigrator } from '../support/migrator.ts';
import { copyOfDatabase, freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource, eventWriter, generateEvent, idOf, randomNumbers } from '../support/relay-source.ts';
import { differences, withClient } from '../support/table-bytes.ts';
import { twoSources } from '../support/two-sources.ts';

const assertEqual = async (place: Place, moment: string): Promise<void> =>
  expect({ moment, differences: await differences(place) }).toEqual({ moment, differences: [] });

describe('a migrator that is killed by SIGKILL', () => {
  it('leaves a load that is equal when it has run again, at every moment', async () => {
    const { first: sqlitePath } = await twoSources();
    const place = async (): Promise<Place> => ({ sqlitePath, url: (await freshDatabase()).url });
    expect(await killAtEveryMoment({ mode: 'load', place, assertEqual })).toEqual(
      expect.arrayContaining([
        'source opened',
        'run begun',
        'table created: relay__events',
        expect.stringMatching(/^before: batch 3 of COPY .*"relay__events" \("id"/),
        expect.stringMatching(/^after: batch 1 of COPY .*"relay__event_tags" \("event_id"/),
        'table filled: relay__event_tags',
        'sent: COMMIT',
        'table committed: kv',
        'index built: relay__idx_events_search',
        'before commit',
        'run verified',
      ]),
    );
  });

  it('leaves a reconcile that is equal when it has run again, at every moment', async () => {
    const { first, second } = await twoSources();
    const { url } = await freshDatabase();
    expect(await migratePlace('load', { sqlitePath: first, url })).toMatchObject({ code: 0 });
    const place = async (): Promise<Place> => ({ sqlitePath: second, url: await copyOfDatabase(url) });
    // Those stood already, and building them again does nothing.
    const skipped = /^index built: (relay__|kv_|idx_kv_)/;
    expect(await killAtEveryMoment({ mode: 'reconcile', place, assertEqual, skipped })).toEqual(
      expect.arrayContaining([
        'table filled: other__events',
        'compared: kv',
        expect.stringMatching(/^after: batch 2 of COPY "?cutover_delta"? \("id"/),
        'delta applied: relay__event_tags',
        'before commit',
      ]),
    );
  });

  it('leaves a load that is equal when it has run again on a source that went on meanwhile', async () => {
    const { first: sqlitePath } = await twoSources();
    const moments = await momentsOf('load', { sqlitePath, url: (await freshDatabase()).url });
    const isOfOne = (moment: string): boolean => /^table committed: relay__/.test(moment);
    const place = { sqlitePath, url: (await freshDatabase()).url };
    await runUntilKilled('load', moments.findIndex(isOfOne) + 1, place);
    // Whichever table has come over: the other one's rows of now do not go with it.
    const database = new Database(sqlitePath);
    const gone = database.prepare('SELECT event_id FROM relay__event_tags LIMIT 1').pluck().get();
    database.prepare('DELETE FROM relay__event_tags WHERE event_id = ?').run(gone);
    database.prepare('DELETE FROM relay__events WHERE id = ?').run(gone);
    const late = { ...generateEvent(randomNumbers(7)), tags: '[["t","late"]]' };
    eventWriter(database)({ ...late, id: idOf(late) });
    database.close();
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    await assertEqual(place, 'after the second load');
  });

  it('leaves nothing of a table in the middle of its COPY, and ends equal when it has run again', async () => {
    const sqlitePath = join(await temporaryDirectory(), 'db');
    createRelaySource(sqlitePath, { events: 20_000, fullText: false });
    const place = { sqlitePath, url: (await freshDatabase()).url };
    const scratch = await temporaryDirectory();
    const migrator = startMigrator(['load'], environmentOf(place, scratch));
    await withClient(place.url, async (client) => {
      const copied = 'SELECT FROM pg_stat_progress_copy WHERE tuples_processed > 1000 AND datname = current_database()';
      while ((await client.query(copied)).rowCount === 0) await new Promise(setImmediate);
    });
    migrator.kill('SIGKILL');
    expect(await migrator.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    expect(await differences(place)).toContain('relay__events: only in the source');
    expect(await startMigrator(['load'], environmentOf(place, scratch)).ended).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });
});
