import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bringOver } from '../../migrator/bring-over.ts';
import { parseConfiguration } from '../../migrator/configuration.ts';
import { ensureControlSchema } from '../../migrator/control-schema.ts';
import { DigestSum, hashRow, withoutRows } from '../../migrator/digest.ts';
import { createProgress } from '../../migrator/progress.ts';
import { assertAccounted, beginKeepingBack, keptDigest } from '../../migrator/quarantine.ts';
import { RowEncoder } from '../../migrator/row-encoding.ts';
import { openSource } from '../../migrator/source.ts';
import type { Table } from '../../migrator/table-kinds.ts';
import { badScene } from '../support/bad-scene.ts';
import { environmentOf, type Place } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { quarantine } from '../support/quarantined.ts';
import { withClient } from '../support/table-bytes.ts';

let loaded: Place;

beforeAll(async () => {
  loaded = await badScene();
});

afterAll(() => rmSync(dirname(loaded.sqlitePath), { recursive: true, force: true }));

describe('the account of all rows', () => {
  it('fails when a row is neither sent nor kept back, or both', async () => {
    const source = await openSource(loaded.sqlitePath);
    try {
      const [kv] = source.tables as [Table];
      const all = new DigestSum();
      const lenient = new RowEncoder(kv.columns, { lenient: true });
      const rowOf = source.row(kv);
      for (const rowid of source.rowids(kv)) all.add(hashRow(lenient.encode(rowOf(rowid), 1) as Buffer));
      beginKeepingBack(source, kv)(1n, 'on purpose');
      const kept = await keptDigest(source, kv);
      const sent = withoutRows(all.result(), kept);
      expect([kept.rows, sent.rows]).toEqual([1, 4]);
      await assertAccounted(source, kv, sent, kept);
      for (const wrong of [all.result(), withoutRows(sent, kept), { ...sent, digest: all.result().digest }])
        await expect(assertAccounted(source, kv, wrong, kept)).rejects.toThrow(/^The rows of "kv" do not add up: /);
    } finally {
      await source.close();
    }
  });
});

describe('a run in which a row goes both ways', () => {
  it('fails, and commits nothing of it', async () => {
    const place = { sqlitePath: loaded.sqlitePath, url: (await freshDatabase()).url };
    const configuration = parseConfiguration('load', environmentOf(place));
    const source = await openSource(place.sqlitePath);
    const [kv] = source.tables.splice(0).filter(({ name }) => name === 'kv') as [Table];
    source.tables.push(kv);
    for (const rowid of [4n, 5n]) beginKeepingBack(source, kv)(rowid, 'on purpose');
    const progress = createProgress(() => {}, true);
    const late = (name: string) => {
      if (name === 'table committed: kv') beginKeepingBack(source, kv)(1n, 'too late');
    };
    try {
      await withClient(place.url, async (client) => {
        await ensureControlSchema(client, 'load');
        await expect(bringOver(client, configuration, source, { ...progress, moment: late })).rejects.toThrow(
          /^The rows of "kv" do not add up: the source has 5 .*; expected the 3 that went over and the 3 in quarantine/,
        );
      });
      expect(await quarantine(place.url)).toEqual([]);
    } finally {
      await source.close();
    }
  });
});
