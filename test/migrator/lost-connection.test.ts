import type { Socket } from 'node:net';
import Database from 'better-sqlite3';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { migratePlace, type Place } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { changeTarget, copyOf, handedOver } from '../support/reversed.ts';
import { databaseObjects, differences } from '../support/table-bytes.ts';
import { twoSources } from '../support/two-sources.ts';

describe('a migrator that loses its connection', () => {
  it('ends a load equal when it has run again, wherever it was cut off', async () => {
    const { first: sqlitePath } = await twoSources();
    await cutAtStatements('load', 3, async () => ({ sqlitePath, url: (await freshDatabase()).url }));
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
    await cutAtStatements('reconcile', 2, async () => {
      sources.reverse();
      return { sqlitePath: sources[0] as string, url };
    });
  });
});

describe('a way back that loses its connection', () => {
  it('ends equal when it has run again, wherever it was cut off', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    await cutAtStatements('reverse', 3, () => copyOf(place));
  });
});

describe('a target whose schema cutover was begun', () => {
  it('has its authority row or nothing at all', async () => {
    const { first: sqlitePath } = await twoSources();
    const place = { sqlitePath, url: (await freshDatabase()).url };
    const connections = cutConnections();
    connections.cutAt('INSERT INTO cutover.authority');
    expect(await migratePlace('load', place)).toMatchObject({ code: 1 });
    expect(connections.wasCut()).toBe(true);
    expect(await databaseObjects(place.url)).toEqual([]);
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
  });
});

async function cutAtStatements(mode: string, step: number, nextPlace: () => Promise<Place>): Promise<void> {
  const connections = cutConnections();
  for (let statement = 1, whole = false; !whole; statement += step) {
    const place = await nextPlace();
    connections.cutAt(statement);
    const { code, message } = await migratePlace(mode, place);
    whole = !connections.wasCut();
    if (whole) expect({ statement, code }).toEqual({ statement, code: 0 });
    // A connection that is lost while it is being opened is opened again.
    if (code !== 0) {
      expect({ statement, message }).toEqual({
        statement,
        message: expect.stringMatching(
          /^PostgreSQL refused: the connection was lost \(.+\)\. Nothing that was not committed counts; repeat\.$/,
        ),
      });
      expect({ statement, ...(await migratePlace(mode, place)) }).toMatchObject({ code: 0 });
    }
    expect({ statement, differences: await differences(place) }).toEqual({ statement, differences: [] });
  }
}

interface Connections {
  /** Breaks the connection of whatever client sends the n-th statement from now on, or the first one with this text. */
  cutAt(statement: number | string): void;
  wasCut(): boolean;
}

function cutConnections(): Connections {
  const original = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  let isDue: (text: string) => boolean = () => false;
  let cut = false;
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    if (!cut && isDue(String(args[0]))) {
      cut = true;
      (this as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
    }
    return original.apply(this, args) as never;
  });
  onTestFinished(() => spy.mockRestore());
  return {
    cutAt(statement) {
      let left = statement;
      cut = false;
      isDue = (text) => (typeof left === 'string' ? text.includes(left) : --left === 0);
    },
    wasCut() {
      isDue = () => false;
      return cut;
    },
  };
}
