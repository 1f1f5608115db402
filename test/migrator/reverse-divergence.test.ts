import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/authority.ts';
import { createHandler as readManifest } from '../../lambdas/read-manifest.ts';
import { createHandler as verifyCounts } from '../../lambdas/verify-counts.ts';
import { fingerprint } from '../../migrator/scratch-copy.ts';
import { fileStates } from '../support/file-states.ts';
import type { Place, Result } from '../support/migrator.ts';
import { createRelayTables, eventWriter, generateEvent, randomNumbers } from '../support/relay-source.ts';
import {
  changeTarget,
  handedOver,
  handOver,
  oldFiles,
  reversed,
  search,
  union,
  writeToSource,
} from '../support/reversed.ts';
import { connectTo, onTarget } from '../support/signed-target.ts';
import { differences, postgresBytes, sqliteBytes, withClient } from '../support/table-bytes.ts';

const said = (result: Result) => result.lines.map(({ text }) => text);

const manifestOf = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query('SELECT manifest FROM cutover.run ORDER BY started_at DESC LIMIT 1');
    return rows[0].manifest;
  });

/** Both sides have rows that the other has not. */
async function diverged(): Promise<Place> {
  const place = await handedOver();
  await changeTarget(place.url);
  await writeToSource(place.sqlitePath);
  return place;
}

describe('the way back to files that a relay has written to since the cutover', () => {
  it('keeps the events, their tags and the settings that only SQLite has, and else takes what PostgreSQL has', async () => {
    const place = await diverged();
    const before = sqliteBytes(place.sqlitePath);
    const target = await postgresBytes(place.url);
    const expected = union(before, target);
    const keptRows = (table: string) => (expected[table]?.length ?? 0) - (target[table]?.length ?? 0);
    expect([keptRows('kv'), keptRows('relay__events')]).toEqual([2, 5]);
    const result = await reversed(place, { CUTOVER_RUN_ID: 'back/0/0' });
    expect(result).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath)).toEqual(expected);
    expect(await postgresBytes(place.url)).toEqual(target);
    expect(oldFiles(place)).toEqual([before]);
    expect(said(result)).toContain(
      `The SQLite files are not those that the cutover left: a relay has written to them since. Rows that only SQLite has stay there: 2 of kv, 5 of relay__events, ${keptRows('relay__event_tags')} of relay__event_tags.`,
    );
    expect(said(result)).toContain(
      `Rows that PostgreSQL has no longer and that go from SQLite too:\n  1 of ${before.relay__event_tags?.length} rows of "relay__event_tags":\n    "${deletedTag(before)}"`,
    );
    expect((await manifestOf(place.url)).tables).toMatchObject([
      { table: 'kv', kept: 2, rows: target.kv?.length },
      { table: 'relay__events', kept: 5, rows: target.relay__events?.length },
      { table: 'relay__event_tags', kept: keptRows('relay__event_tags'), rows: target.relay__event_tags?.length },
    ]);
  });

  it('keeps them however often it runs, and writes nothing more', async () => {
    const place = await diverged();
    expect(await reversed(place)).toMatchObject({ code: 0 });
    const after = fileStates(dirname(place.sqlitePath));
    const result = await reversed(place);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result)).toContain('SQLite holds what PostgreSQL holds already; the file is left alone.');
    expect(fileStates(dirname(place.sqlitePath))).toEqual(after);
    expect((await manifestOf(place.url)).tables).toMatchObject([{ kept: 2 }, { kept: 5 }, {}]);
  });

  it('gives figures that the verification finds in PostgreSQL, and the next cutover takes all of it over', async () => {
    const place = await diverged();
    expect(await reversed(place, { CUTOVER_RUN_ID: `back/${randomBytes(2).toString('hex')}` })).toMatchObject({
      code: 0,
    });
    const connect = connectTo(place.url);
    const event = { runIdPrefix: 'back/', mode: 'reverse' as const, samples: [], taskFailure: null };
    const manifest = await onTarget(readManifest({ connect }))(event);
    for (const table of manifest.tables) {
      const { source, target } = await onTarget(verifyCounts({ connect }))(table);
      expect(target).toEqual(source);
      expect(source.rows).toBeGreaterThan(0);
    }
    await onTarget(createHandler({ connect }))({ action: 'return', runId: manifest.runId });
    await handOver(place, 'cutover-2/0/0');
    expect(await differences(place)).toEqual([]);
  });

  it('keeps a whole relay that only SQLite has, and says nothing of it to the verification', async () => {
    const place = await handedOver();
    const database = new Database(place.sqlitePath);
    createRelayTables(database, 'other');
    const write = eventWriter(database, 'other');
    const random = randomNumbers(12);
    for (let count = 0; count < 15; count++) write(generateEvent(random));
    database.close();
    const { other__events, other__event_tags } = sqliteBytes(place.sqlitePath);
    expect(await reversed(place, { CUTOVER_RUN_ID: 'back/0/0' })).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath)).toMatchObject({ other__events, other__event_tags });
    const event = { runIdPrefix: 'back/', mode: 'reverse' as const, samples: [], taskFailure: null };
    const { tables } = await onTarget(readManifest({ connect: connectTo(place.url) }))(event);
    expect(tables.map(({ table }) => table)).toEqual(['kv', 'relay__events', 'relay__event_tags']);
  });

  it('keeps what only SQLite has where nobody knows which files the cutover left', async () => {
    const place = await handedOver();
    await withClient(place.url, async (client) => {
      await client.query("DELETE FROM cutover.run WHERE run_id = 'cutover/0/0'");
      await client.query("DELETE FROM kv WHERE key = 'key 1'");
    });
    const before = sqliteBytes(place.sqlitePath);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath)).toEqual(before);
  });
});

/** An event that PostgreSQL cannot hold, with a tag that it could, and a setting; what an old relay may well have accepted. */
function writeUnfit(sqlitePath: string): void {
  const database = new Database(sqlitePath);
  database.exec(`
    INSERT INTO relay__events VALUES ('unfit', 1, 1, 'p', 'a' || char(0) || 'b', '[]', CAST(x'ff' AS TEXT));
    INSERT INTO relay__events VALUES ('too large', 1, 5000000000, 'p', '', '[]', x'00');
    INSERT INTO relay__event_tags VALUES ('unfit', 't', 'fits'), ('unfit', 't', 'fits'), ('too large', 't', x'00');
    INSERT INTO kv VALUES (CAST(x'fe' AS TEXT), 'value')`);
  database.close();
}

describe('rows that PostgreSQL cannot hold', () => {
  it('stay, with the tags of their events, where a relay has written them since the cutover', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    writeUnfit(place.sqlitePath);
    const before = sqliteBytes(place.sqlitePath);
    const target = await postgresBytes(place.url);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath)).toEqual(union(before, target));
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath)).toEqual(union(before, target));
  });

  it('stay when a cutover has left them behind, since nobody can have deleted them there', async () => {
    const place = await handedOver();
    const [known] = await withClient(place.url, async (client) => {
      await client.query("DELETE FROM kv WHERE key = 'key 1'");
      return (await client.query('SELECT count(*)::int AS kv FROM kv')).rows;
    });
    writeUnfit(place.sqlitePath);
    const { files } = await fingerprint(place.sqlitePath);
    await withClient(place.url, (client) =>
      client.query(
        "UPDATE cutover.run SET manifest = jsonb_set(manifest, '{source,files}', $1) WHERE mode = 'reconcile'",
        [JSON.stringify(files)],
      ),
    );
    const result = await reversed(place);
    expect(result).toMatchObject({ code: 0 });
    expect(said(result)).toContain(
      'Rows that PostgreSQL could not have held, or that stand in cutover.quarantine, stay in SQLite, events with their tags: 1 of kv, 2 of relay__events, 3 of relay__event_tags.',
    );
    expect(said(result)).toContain(
      'Rows that PostgreSQL has no longer and that go from SQLite too:\n  1 of 5 rows of "kv":\n    "key 1"',
    );
    expect(sqliteBytes(place.sqlitePath).kv).toHaveLength(known.kv + 1);
    expect(await search(place.sqlitePath, 'a')).toEqual(['unfit']);
  });
});

function deletedTag(source: Record<string, string[]>): string {
  const row = source.relay__event_tags?.find((row) =>
    row.includes(Buffer.from('of an event that both have').toString('hex')),
  );
  return (row ?? '')
    .split('|')
    .map((field) => Buffer.from(field, 'hex').toString())
    .join(' ');
}
