import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bundleDyingMigrator,
  environmentOf,
  migratePlace,
  type Place,
  runUntilKilled,
  startMigrator,
} from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { differences, withClient } from '../support/table-bytes.ts';
import { forEachOf } from '../support/two-at-a-time.ts';
import { twoSources } from '../support/two-sources.ts';

async function momentsOf(mode: string, place: Place): Promise<string[]> {
  const { code, lines } = await migratePlace(mode, place);
  expect(code).toBe(0);
  return lines.filter(({ event }) => event === 'moment').map(({ name }) => name ?? '');
}

beforeAll(bundleDyingMigrator);

describe('a migrator that is killed by SIGKILL', () => {
  it('leaves a load that is equal when it has run again, at every named moment', async () => {
    const { first: sqlitePath } = await twoSources();
    const newPlace = async (): Promise<Place> => ({ sqlitePath, url: (await freshDatabase()).url });
    const moments = await momentsOf('load', await newPlace());
    expect(moments).toEqual(
      expect.arrayContaining([
        'source opened',
        'run begun',
        'table created: relay__events',
        'table filled: relay__event_tags',
        'table committed: kv',
        'index built: relay__idx_events_search',
        'before commit',
        'run verified',
      ]),
    );
    await forEachOf(moments, async (moment, index) => {
      const place = await newPlace();
      expect({ moment, ...(await runUntilKilled('load', index + 1, place)) }).toMatchObject({
        moment,
        signal: 'SIGKILL',
      });
      expect({ moment, ...(await migratePlace('load', place)) }).toMatchObject({ moment, code: 0 });
      expect({ moment, differences: await differences(place) }).toEqual({ moment, differences: [] });
    });
  });

  it('leaves a reconcile that is equal when it has run again, at every named moment', async () => {
    const { first, second } = await twoSources();
    const loadedPlace = async (): Promise<Place> => {
      const { url } = await freshDatabase();
      expect(await migratePlace('load', { sqlitePath: first, url })).toMatchObject({ code: 0 });
      return { sqlitePath: second, url };
    };
    const moments = await momentsOf('reconcile', await loadedPlace());
    expect(moments).toEqual(
      expect.arrayContaining([
        'table filled: other__events',
        'compared: kv',
        'delta applied: relay__event_tags',
        'before commit',
      ]),
    );
    await forEachOf(moments, async (moment, index) => {
      // Those stood already, and building them again does nothing.
      if (/^index built: (relay__|kv_|idx_kv_)/.test(moment)) return;
      const place = await loadedPlace();
      expect({ moment, ...(await runUntilKilled('reconcile', index + 1, place)) }).toMatchObject({
        moment,
        signal: 'SIGKILL',
      });
      expect({ moment, ...(await migratePlace('reconcile', place)) }).toMatchObject({ moment, code: 0 });
      expect({ moment, differences: await differences(place) }).toEqual({ moment, differences: [] });
    });
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
