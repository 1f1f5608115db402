import { describe, expect, it } from 'vitest';
import { killAtEveryMoment, momentsOf } from '../support/every-moment.ts';
import { isFull } from '../support/extent.ts';
import { type Place, runUntilKilled } from '../support/migrator.ts';
import { changeTarget, copyOf, handedOver, oldFiles, reversed, union, writeToSource } from '../support/reversed.ts';
import { isOfStatement } from '../support/statement-moments.ts';
import { postgresBytes, sqliteBytes, type TableBytes } from '../support/table-bytes.ts';
import { forEachOf } from '../support/two-at-a-time.ts';

/** Kills a way back at each of its moments in turn, runs it again, and looks at the file and at the old ones. */
function killWayBack(begun: Place, expected: TableBytes): Promise<string[]> {
  const before = sqliteBytes(begun.sqlitePath);
  return killAtEveryMoment({
    mode: 'reverse',
    place: () => copyOf(begun),
    async assertEqual(place, moment) {
      expect({ moment, rows: sqliteBytes(place.sqlitePath) }).toEqual({ moment, rows: expected });
      expect({ moment, target: await postgresBytes(place.url) }).toEqual({
        moment,
        target: await postgresBytes(begun.url),
      });
      expect({ moment, old: oldFiles(place) }).toEqual({ moment, old: [before] });
    },
  });
}

/** Kills the run after the first one at each moment too, since that one undoes or ends what was begun. */
async function killTwice(place: Place, first: string, moments: string[]): Promise<string[]> {
  const before = sqliteBytes(place.sqlitePath);
  const expected = await postgresBytes(place.url);
  const begun = await copyOf(place);
  await runUntilKilled('reverse', moments.indexOf(first) + 1, begun);
  const seconds = await momentsOf('reverse', await copyOf(begun));
  const early = seconds
    .slice(0, seconds.indexOf('source opened') + 1)
    .map((moment, index) => ({ moment, number: index + 1 }))
    .filter(({ moment }) => isFull || !isOfStatement(moment));
  await forEachOf(early, async ({ moment, number }) => {
    const copy = await copyOf(begun);
    await runUntilKilled('reverse', number, copy);
    expect({ moment, ...(await reversed(copy)) }).toMatchObject({ moment, code: 0 });
    expect({ moment, rows: sqliteBytes(copy.sqlitePath) }).toEqual({ moment, rows: expected });
    expect({ moment, old: oldFiles(copy) }).toEqual({ moment, old: [before] });
  });
  return early.map(({ moment }) => moment).filter((moment) => !isOfStatement(moment));
}

describe('a way back that is killed by SIGKILL', () => {
  it('ends equal when it has run again, at every moment, and the old rows are never lost', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    const moments = await killWayBack(place, await postgresBytes(place.url));
    expect(moments.filter((moment) => !isOfStatement(moment))).toEqual([
      'run begun',
      'source opened',
      ...['kv', 'relay__events', 'relay__event_tags'].flatMap((table) => [`compared: ${table}`, `planned: ${table}`]),
      'deletions reviewed',
      'full text checked: relay__events_fts',
      ...['kv', 'relay__events', 'relay__event_tags'].map((table) => `delta applied: ${table}`),
      'full text checked: relay__events_fts',
      'copy closed',
      'before new file',
      'new file written',
      'new file recorded',
      'before swap',
      'swap begun',
      'moved aside: db-wal',
      'moved aside: db-shm',
      'moved aside: db',
      'old files compared',
      'new file in place',
      'old files kept',
      'source reopened',
      ...['kv', 'relay__events', 'relay__event_tags'].map((table) => `verified: ${table}`),
      'run verified',
    ]);
  });

  it('ends with all that either side had when a relay had written to SQLite too, at every moment', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    await writeToSource(place.sqlitePath);
    await killWayBack(place, union(sqliteBytes(place.sqlitePath), await postgresBytes(place.url)));
  });

  it('may be killed while it undoes or ends what a killed one has begun', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    const moments = await momentsOf('reverse', await copyOf(place));
    expect(await killTwice(place, 'old files compared', moments)).toEqual([
      'run begun',
      'put back: db',
      'put back: db-shm',
      'put back: db-wal',
      'swap undone',
      'source opened',
    ]);
    expect(await killTwice(place, 'new file in place', moments)).toEqual([
      'run begun',
      'old files kept',
      'source opened',
    ]);
  });
});
