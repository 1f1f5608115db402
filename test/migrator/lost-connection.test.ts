import type { Socket } from 'node:net';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isFull } from '../support/extent.ts';
import { migratePlace, type Place } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { changeTarget, copyOf, handedOver } from '../support/reversed.ts';
import { announceStatements } from '../support/statement-moments.ts';
import { databaseObjects, differences } from '../support/table-bytes.ts';
import { twoSources } from '../support/two-sources.ts';

describe('a migrator that loses its connection', () => {
  it('ends a load equal when it has run again, wherever it was cut off', async () => {
    const { first: sqlitePath } = await twoSources();
    await cutAtMoments('load', 27, async () => ({ sqlitePath, url: (await freshDatabase()).url }));
  });

  it('ends a reconcile equal when it has run again, wherever it was cut off', async () => {
    const { first, second } = await twoSources();
    const { url } = await freshDatabase();
    // There and back again, so that each reconcile has something to do. The second relay of the file comes too late for that.
    const database = new Database(second);
    for (const name of ['events_fts', 'event_tags', 'events']) database.exec(`DROP TABLE other__${name}`);
    database.close();
    await migratePlace('load', { sqlitePath: first, url });
    const sources = [first, second];
    await cutAtMoments('reconcile', 19, async () => {
      sources.reverse();
      return { sqlitePath: sources[0] as string, url };
    });
  });
});

describe('a way back that loses its connection', () => {
  it('ends equal when it has run again, wherever it was cut off', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    await cutAtMoments('reverse', 17, () => copyOf(place));
  });
});

describe('a target whose schema cutover was begun', () => {
  it('has its authority row or nothing at all', async () => {
    const { first: sqlitePath } = await twoSources();
    const place = { sqlitePath, url: (await freshDatabase()).url };
    const connections = cutConnections();
    connections.cutAt('before: INSERT INTO cutover.authority');
    expect(await migratePlace('load', place)).toMatchObject({ code: 1 });
    expect(connections.end()).toMatch(/^before: INSERT INTO cutover\.authority/);
    expect(await databaseObjects(place.url)).toEqual([]);
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
  });
});

/** Cuts the connection at each moment of its statements and batches in turn; outside of a full run at every n-th of them. */
async function cutAtMoments(mode: string, step: number, nextPlace: () => Promise<Place>): Promise<void> {
  const connections = cutConnections();
  let cuts = 0;
  let failures = 0;
  for (let moment = 1, whole = false; !whole; moment += isFull ? 1 : step) {
    const place = await nextPlace();
    connections.cutAt(moment);
    const { code, message } = await migratePlace(mode, place);
    const cut = connections.end();
    whole = cut === undefined;
    if (whole) expect({ moment, code }).toEqual({ moment, code: 0 });
    else cuts++;
    // A connection that is lost while it is being opened is opened again.
    if (code !== 0) {
      failures++;
      expect({ cut, message }).toEqual({
        cut,
        message: expect.stringMatching(
          /^PostgreSQL refused: the connection was lost \(.+\)\. Nothing that was not committed counts; repeat\.$/,
        ),
      });
      expect({ cut, ...(await migratePlace(mode, place)) }).toMatchObject({ code: 0 });
    }
    expect({ cut, differences: await differences(place) }).toEqual({ cut, differences: [] });
  }
  console.log(`cut the connection at ${cuts} moments of ${mode}, which ended it ${failures} times`);
  expect(failures).toBeGreaterThan(cuts / 2);
}

interface Connections {
  /** Breaks the connection at the n-th moment of statements from now on, or at the first one that is called like this. */
  cutAt(moment: number | string): void;
  /** Gives the moment at which it was broken, if it came. */
  end(): string | undefined;
}

function cutConnections(): Connections {
  let isDue: (moment: string) => boolean = () => false;
  let cut: string | undefined;
  onTestFinished(
    announceStatements((moment, client) => {
      if (client === undefined || cut !== undefined || !isDue(moment)) return;
      cut = moment;
      (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
    }),
  );
  return {
    cutAt(due) {
      let left = due;
      cut = undefined;
      isDue = (moment) => (typeof left === 'string' ? moment.startsWith(left) : --left === 0);
    },
    end() {
      isDue = () => false;
      return cut;
    },
  };
}
