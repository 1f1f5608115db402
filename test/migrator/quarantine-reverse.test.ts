import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler as authority } from '../../lambdas/authority.ts';
import { badScene, QUARANTINED, quarantining } from '../support/bad-scene.ts';
import type { Place, Result } from '../support/migrator.ts';
import { countsOf, fromSource, quarantine } from '../support/quarantined.ts';
import { idOf } from '../support/relay-source.ts';
import { copyOf, reversed } from '../support/reversed.ts';
import { connectTo, onTarget } from '../support/signed-target.ts';
import { postgresBytes, sqliteBytes, withClient } from '../support/table-bytes.ts';

const said = (result: Result) => result.lines.map(({ text }) => text);

let loaded: Place;

beforeAll(async () => {
  loaded = await badScene();
  expect(await quarantining('load', loaded)).toMatchObject({ code: 0 });
});

afterAll(() => rmSync(dirname(loaded.sqlitePath), { recursive: true, force: true }));

describe('the way back with rows in quarantine', () => {
  async function handedOver(): Promise<Place> {
    const place = await copyOf(loaded);
    expect(await quarantining('reconcile', place, 'cutover/0/0')).toMatchObject({ code: 0 });
    await onTarget(authority({ connect: connectTo(place.url) }))({ action: 'take', runId: 'cutover/0/0' });
    return place;
  }

  it('leaves them in the SQLite file, and brings what PostgreSQL has', async () => {
    const place = await handedOver();
    const before = sqliteBytes(place.sqlitePath);
    const event = { created_at: 5, kind: 1, pubkey: 'p', tags: '[]', content: 'of PostgreSQL' };
    await withClient(place.url, async (client) => {
      await client.query("INSERT INTO relay__events VALUES ($1, 5, 1, 'p', 'of PostgreSQL', '[]', 's')", [idOf(event)]);
      await client.query("DELETE FROM kv WHERE key = 'key 1'");
    });
    const target = await postgresBytes(place.url);
    for (let run = 0; run < 2; run++) {
      const result = await reversed(place, { CUTOVER_RUN_ID: `back/${run}/0` });
      expect(result).toMatchObject({ code: 0 });
      const after = sqliteBytes(place.sqlitePath);
      const { rest } = await fromSource(place, await quarantine(place.url));
      expect(rest).toEqual(target);
      expect(after.relay__event_tags).toEqual(before.relay__event_tags);
      expect(after.relay__events).toHaveLength((before.relay__events?.length ?? 0) + 1);
      expect(after.kv).toHaveLength((before.kv?.length ?? 0) - 1);
      expect(said(result)).toContain(
        'Rows that PostgreSQL could not have held, or that stand in cutover.quarantine, stay in SQLite, events with their tags: 2 of kv, 3 of relay__events, 6 of relay__event_tags.',
      );
    }
    await onTarget(authority({ connect: connectTo(place.url) }))({ action: 'return', runId: 'back/1/0' });
    expect(await quarantining('load', place)).toMatchObject({ code: 0 });
    expect(countsOf(await quarantine(place.url))).toEqual(QUARANTINED);
  });

  it('brings a deletion back after an earlier way back has kept them', async () => {
    const place = await handedOver();
    await withClient(place.url, (client) => client.query("DELETE FROM kv WHERE key = 'key 1'"));
    expect(await reversed(place)).toMatchObject({ code: 0 });
    await withClient(place.url, (client) => client.query("DELETE FROM kv WHERE key = 'key 2'"));
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(sqliteBytes(place.sqlitePath).kv).toHaveLength(3);
  });

  it('takes the tags of an event along that the new relay has deleted, those in quarantine too', async () => {
    const place = await handedOver();
    const [first] = await withClient(place.url, async (client) => {
      const { rows } = await client.query(
        "SELECT convert_from(decode(row->'event_id'->>'hex', 'hex'), 'UTF8') AS id FROM cutover.quarantine WHERE reason = 'key: invalid UTF-8' AND table_name = 'relay__event_tags'",
      );
      await client.query('DELETE FROM relay__events WHERE id = $1', [rows[0].id]);
      return rows;
    });
    expect(await reversed(place)).toMatchObject({ code: 0 });
    const hex = Buffer.from(first.id).toString('hex');
    const { relay__event_tags = [], relay__events = [] } = sqliteBytes(place.sqlitePath);
    expect([...relay__event_tags, ...relay__events].filter((row) => row.includes(hex))).toEqual([]);
    expect(relay__event_tags.filter((row) => row.includes(Buffer.from('orphan').toString('hex')))).toHaveLength(2);
  });
});
