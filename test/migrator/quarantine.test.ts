import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler as readManifest } from '../../lambdas/read-manifest.ts';
import { createHandler as verifyCounts } from '../../lambdas/verify-counts.ts';
import { addRows } from '../../migrator/digest.ts';
import type { Manifest } from '../../migrator/manifest.ts';
import { badScene, QUARANTINED, quarantining, write } from '../support/bad-scene.ts';
import { environmentOf, migratePlace, type Place, type Result, runMigrator } from '../support/migrator.ts';
import { countsOf, fromSource, quarantine } from '../support/quarantined.ts';
import { copyOf } from '../support/reversed.ts';
import { connectTo, onTarget } from '../support/signed-target.ts';
import { differences, postgresBytes, withClient } from '../support/table-bytes.ts';

const said = (result: Result) => result.lines.map(({ text }) => text);

async function manifestOf({ url }: Place): Promise<Manifest> {
  return withClient(url, async (client) => {
    const { rows } = await client.query('SELECT manifest FROM cutover.run ORDER BY started_at DESC LIMIT 1');
    return rows[0].manifest;
  });
}

let loaded: Place;
let lines: Result;

beforeAll(async () => {
  loaded = await badScene();
  lines = await quarantining('load', loaded, 'load/0/0');
});

afterAll(() => rmSync(dirname(loaded.sqlitePath), { recursive: true, force: true }));

describe('a load with --quarantine', () => {
  it('brings the rest over and keeps the bad rows whole, each with its reason', async () => {
    expect(lines).toMatchObject({ code: 0 });
    const rows = await quarantine(loaded.url);
    expect(countsOf(rows)).toEqual(QUARANTINED);
    const source = await fromSource(loaded, rows);
    expect(rows.map(({ row }) => row)).toEqual(source.rows);
    expect(await postgresBytes(loaded.url)).toEqual(source.rest);
    expect(rows.map(({ table_name, source_rowid, reason }) => `${table_name} ${source_rowid} ${reason}`)).toEqual([
      'kv 4 key: invalid UTF-8',
      'kv 5 key: SQLite stores it as null, expected text; value: SQLite stores it as null, expected text',
      'relay__event_tags 41 event_id: the event "altered" is in quarantine',
      'relay__event_tags 42 event_id: the event "altered" is in quarantine',
      'relay__event_tags 43 event_id: the event "NUL" is in quarantine',
      'relay__event_tags 44 event_id: there is no event "nobody"',
      'relay__event_tags 45 event_id: there is no event "nobody"',
      'relay__event_tags 46 key: invalid UTF-8',
      'relay__events 21 id: "altered" is not the hash of the event (NIP-01)',
      'relay__events 22 content: a NUL byte, which PostgreSQL cannot hold; sig: invalid UTF-8',
      'relay__events 23 kind: 5000000000 is out of the range of int4; content: SQLite stores it as blob, expected text',
    ]);
    expect(rows.find(({ reason }) => reason.startsWith('kind: 5000000000'))?.row).toMatchObject({
      kind: { type: 'integer', hex: '000000012a05f200' },
      content: { type: 'blob', hex: '00' },
    });
  });

  it('says of every table how the difference comes about, and tells of each row as it finds it', async () => {
    const { relay__event_tags: tags } = await postgresBytes(loaded.url);
    const sent = tags?.length ?? 0;
    expect(said(lines)).toEqual(
      expect.arrayContaining([
        '  kv: source=5 dest=3 [OK, 2 quarantined]',
        '  relay__events: source=23 dest=20 [OK, 3 quarantined]',
        `  relay__event_tags: source=${sent + 6} dest=${sent} [OK, 6 quarantined]`,
        'In quarantine, and not in the target: 2 row(s) of "kv", 3 row(s) of "relay__events", 6 row(s) of "relay__event_tags".',
      ]),
    );
    expect(lines.lines.filter(({ event }) => event === 'finding')[0]).toMatchObject({
      table: 'kv',
      rowid: '4',
      faults: [{ columns: ['key'], seen: 'invalid UTF-8' }],
      advice: 'It stays out of the target, whole in cutover.quarantine.',
    });
  });

  it('records rows and digests that add up', async () => {
    const { tables } = await manifestOf(loaded);
    expect(Object.fromEntries(tables.map(({ table, quarantinedRows }) => [table, quarantinedRows]))).toEqual(
      QUARANTINED,
    );
    for (const { rows, digest, quarantinedRows, quarantinedDigest = '' } of tables) {
      const all = addRows({ rows, digest }, { rows: quarantinedRows, digest: quarantinedDigest });
      expect(all.digest).not.toBe(digest);
      expect(all.rows).toBe(rows + quarantinedRows);
    }
  });

  it('ends with "verified, 11 quarantined" on a terminal', async () => {
    const place = await copyOf(loaded);
    const run = await runMigrator(['reconcile', '--quarantine'], environmentOf(place));
    expect(run).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nMigration completed successfully!\nverified, 11 quarantined\n$/),
    });
    expect(run.stdout).toContain(
      'Found: table "kv", rowid 4, column "key": invalid UTF-8. It stays out of the target, whole in cutover.quarantine.\n',
    );
  });
});

describe('rows in quarantine', () => {
  it('follow the source: what was corrected goes over, what has become bad is added, what has gone leaves', async () => {
    const place = await copyOf(loaded);
    write(
      place.sqlitePath,
      `UPDATE kv SET key = 'corrected' WHERE key = CAST(x'fe' AS TEXT);
       DELETE FROM relay__event_tags WHERE event_id = 'nobody';
       UPDATE relay__events SET content = content || 'altered' WHERE rowid = 2;`,
    );
    expect(await quarantining('reconcile', place)).toMatchObject({ code: 0 });
    const rows = await quarantine(place.url);
    const source = await fromSource(place, rows);
    expect(await postgresBytes(place.url)).toEqual(source.rest);
    expect(rows.map(({ row }) => row)).toEqual(source.rows);
    expect(countsOf(rows)).toMatchObject({ kv: 1, relay__events: 4 });
    expect(rows.filter(({ row }) => row.event_id?.hex === Buffer.from('nobody').toString('hex'))).toEqual([]);
  });

  it('are none once the source is sound, without --quarantine too', async () => {
    const place = await copyOf(loaded);
    write(
      place.sqlitePath,
      `DELETE FROM relay__events WHERE rowid > 20; DELETE FROM kv WHERE rowid > 3;
       DELETE FROM relay__event_tags WHERE event_id NOT IN (SELECT id FROM relay__events) OR typeof(key) <> 'text' OR value = 'of a good event';`,
    );
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 0 });
    expect(await quarantine(place.url)).toEqual([]);
    expect(await differences(place)).toEqual([]);
  });

  it('are refused by name when the next run is without --quarantine, and nothing changes', async () => {
    const before = [await quarantine(loaded.url), await postgresBytes(loaded.url)];
    for (const mode of ['load', 'reconcile', 'verify']) {
      const { code, message } = await migratePlace(mode, loaded);
      expect({ mode, code }).toEqual({ mode, code: 2 });
      expect(message).toContain('table "kv", rowid 4, column "key": invalid UTF-8');
      if (mode !== 'verify')
        expect(message).toMatch(/"altered" is not the hash .*\n.* belong to no event; .*With --quarantine /s);
    }
    expect([await quarantine(loaded.url), await postgresBytes(loaded.url)]).toEqual(before);
  });

  it.each([
    ['a row less', "DELETE FROM cutover.quarantine WHERE table_name = 'kv' AND source_rowid = 4"],
    ['another row', "UPDATE cutover.quarantine SET row_hash = sha256(row_hash) WHERE table_name = 'kv'"],
  ])('are part of the verification: %s is a mismatch', async (_, sql) => {
    const place = await copyOf(loaded);
    const { tables } = await manifestOf(place);
    const kv = tables.find(({ table }) => table === 'kv');
    await withClient(place.url, (client) => client.query(sql));
    expect(await quarantining('verify', place)).toMatchObject({
      code: 1,
      message: expect.stringMatching(/^The target is not equal to the source: kv: .*cutover\.quarantine/),
    });
    expect(await onTarget(verifyCounts({ connect: connectTo(place.url) }))(kv as never)).toMatchObject({
      verdict: 'mismatch',
      findings: [expect.stringContaining('cutover.quarantine')],
    });
    expect(await quarantining('load', place)).toMatchObject({ code: 0 });
    expect(await quarantining('verify', place)).toMatchObject({ code: 0 });
  });

  it('are told by the manifest to whoever verifies a cutover, who counts them afresh', async () => {
    const event = { runIdPrefix: 'load/', mode: 'load' as const, samples: [], taskFailure: null };
    const { tables } = await onTarget(readManifest({ connect: connectTo(loaded.url) }))(event);
    const verdicts = [];
    for (const table of tables.filter(({ kind }) => kind !== 'events'))
      verdicts.push(await onTarget(verifyCounts({ connect: connectTo(loaded.url) }))(table));
    expect(verdicts).toMatchObject([
      { table: 'kv', verdict: 'verified', quarantined: { rows: 2 } },
      { table: 'relay__event_tags', verdict: 'verified', quarantined: { rows: 6 } },
    ]);
  });
});
