import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { migratePlace, type Place } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { differences, postgresBytes, withClient } from '../support/table-bytes.ts';

async function loadedPlace(): Promise<Place> {
  const sqlitePath = join(await temporaryDirectory(), 'db');
  createRelaySource(sqlitePath, { events: 60 });
  const place = { sqlitePath, url: (await freshDatabase()).url };
  expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
  return place;
}

const EVENTS = '60';
const SAME_COUNT = `the same number of rows (${EVENTS}), but not the same rows`;
const first = 'id = (SELECT min(id) FROM relay__events)';
const last = 'id = (SELECT max(id) FROM relay__events)';

/** What is done to the target, and what is then said of the table. Each is undone by `reconcile`. */
const HARMS = [
  {
    title: 'a flipped byte',
    sql: `UPDATE relay__events SET sig = overlay(sig placing CASE left(sig, 1) WHEN '0' THEN '1' ELSE '0' END from 1 for 1) WHERE ${first}`,
    line: `  relay__events: source=60 dest=60 [MISMATCH] ${SAME_COUNT}`,
  },
  {
    title: 'contents that two rows have exchanged',
    sql: `UPDATE relay__events AS one SET content = other.content FROM relay__events AS other
      WHERE (one.${first} AND other.${last}) OR (one.${last} AND other.${first})`.replaceAll(
      /(one|other)\.id = /g,
      '$1.id = ',
    ),
    line: `  relay__events: source=60 dest=60 [MISMATCH] ${SAME_COUNT}`,
  },
  {
    title: 'a character composed in another way',
    sql: "UPDATE kv SET value = normalize('ä', NFD) WHERE key = 'key 0'",
    line: '  kv: source=3 dest=3 [MISMATCH] the same number of rows (3), but not the same rows',
  },
  {
    title: 'bytes that moved from one column to the next',
    sql: "UPDATE kv SET key = 'key', value = ' 0value 0' WHERE key = 'key 0'",
    line: '  kv: source=3 dest=3 [MISMATCH] the same number of rows (3), but not the same rows',
  },
  {
    title: 'a missing row',
    sql: "DELETE FROM kv WHERE key = 'key 0'",
    line: '  kv: source=3 dest=2 [MISMATCH] the source has 3 rows and the target 2',
  },
  {
    title: 'an added row',
    sql: "INSERT INTO kv VALUES ('key 3', 'value 3')",
    line: '  kv: source=3 dest=4 [MISMATCH] the source has 3 rows and the target 4',
  },
  {
    title: 'a row in the place of another',
    sql: "UPDATE kv SET key = 'key 3' WHERE key = 'key 0'",
    line: '  kv: source=3 dest=3 [MISMATCH] the same number of rows (3), but not the same rows',
  },
  {
    title: 'a tag that occurs once more, and another once less',
    sql: `INSERT INTO relay__event_tags SELECT * FROM relay__event_tags WHERE ctid = (SELECT min(ctid) FROM relay__event_tags);
      DELETE FROM relay__event_tags WHERE ctid = (SELECT min(ctid) FROM relay__event_tags WHERE value <> (SELECT value FROM relay__event_tags ORDER BY ctid LIMIT 1))`,
    line: expect.stringMatching(
      /^ {2}relay__event_tags: source=(\d+) dest=\1 \[MISMATCH\] the same number of rows \(\1\), but not the same rows$/,
    ),
  },
  {
    title: 'a search_vector that is NULL',
    sql: `ALTER TABLE relay__events DISABLE TRIGGER USER; UPDATE relay__events SET search_vector = NULL WHERE ${first};
      ALTER TABLE relay__events ENABLE TRIGGER USER`,
    line: '  relay__events: source=60 dest=60 [MISMATCH] not true for 1 rows: every event can be found by its text',
    reconciled: false,
  },
  {
    title: 'a missing table',
    sql: 'DROP TABLE kv',
    line: '  kv: source=3 dest=0 [MISMATCH] the target has no such table',
  },
];

describe('verify', () => {
  it('passes an equal target and changes nothing', async () => {
    const place = await loadedPlace();
    const runs = (): Promise<unknown> =>
      withClient(place.url, async (client) => (await client.query('SELECT * FROM cutover.run')).rows);
    const before = await runs();
    expect(await migratePlace('verify', place)).toMatchObject({ code: 0, outcome: 'verified' });
    expect(await runs()).toEqual(before);
  });

  it.each(HARMS)('catches $title with exit code 1 and a MISMATCH line', async ({ sql, line, reconciled = true }) => {
    const place = await loadedPlace();
    await withClient(place.url, (client) => client.query(sql));
    const harmed = await postgresBytes(place.url);
    const { code, message, lines } = await migratePlace('verify', place);
    expect(code).toBe(1);
    expect(lines.filter(({ text }) => text?.includes('MISMATCH')).map(({ text }) => text)).toEqual([line]);
    expect(message).toMatch(
      /^The target is not equal to the source: \w+: .+\. Run "reconcile" after the relay has stopped\.$/,
    );
    expect(await postgresBytes(place.url)).toEqual(harmed);

    const again = await migratePlace('reconcile', place);
    expect(again.code).toBe(reconciled ? 0 : 1);
    expect(await differences(place)).toEqual([]);
  });
});
