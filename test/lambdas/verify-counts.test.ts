import { finalizeEvent } from 'nostr-tools/pure';
import { hexToBytes } from 'nostr-tools/utils';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler, type VerifyCountsEvent } from '../../lambdas/verify-counts.ts';
import { type DigestSumRow, parseDigest, tableDigestSql } from '../../migrator/digest.ts';
import { tableNamed } from '../../migrator/table-kinds.ts';
import type { TableVerdict } from '../../migrator/verify-table.ts';
import { copyOfDatabase } from '../support/postgres.ts';
import {
  connectTo,
  EVENTS,
  migrated,
  onTarget,
  type SignedPlace,
  signedPlace,
  TABLES,
} from '../support/signed-target.ts';
import { withClient } from '../support/table-bytes.ts';

let place: SignedPlace;
let tables: Map<string, VerifyCountsEvent>;
/** The id that comes first in the target's order. */
let firstId: string;

beforeAll(async () => {
  place = await signedPlace();
  const manifest = await migrated(place, 'load', 'prepare/load');
  tables = new Map(manifest.tables.map((entry) => [entry.table, entry]));
  firstId = await withClient(
    place.url,
    async (client) => (await client.query(`SELECT min(id) AS id FROM ${TABLES.events}`)).rows[0].id,
  );
});
afterAll(() => place.remove());

type Harm = string | ((client: pg.Client) => Promise<unknown>);

/** Does harm to a copy of the target, then verifies one of its tables. */
async function verdictAfter(table: string, harm: Harm, digestOfTarget = false): Promise<TableVerdict> {
  const url = await copyOfDatabase(place.url);
  const event = { ...(tables.get(table) as VerifyCountsEvent) };
  await withClient(url, async (client) => {
    await (typeof harm === 'string' ? client.query(harm) : harm(client));
    if (!digestOfTarget) return;
    const { rows } = await client.query<DigestSumRow>(tableDigestSql(tableNamed(table)));
    Object.assign(event, parseDigest(rows[0] as DigestSumRow));
  });
  return onTarget(createHandler({ connect: connectTo(url) }))(event);
}

const NOT_THE_SAME = `the same number of rows (${EVENTS}), but not the same rows`;
const wrong = (count: number, check: string) =>
  expect.stringMatching(new RegExp(`^not true for ${count} events, such as [0-9a-f]{64}: ${check}`));
const idOf = (count: number) => wrong(count, 'the id is the hash of the event \\(NIP-01\\)$');
const signatureOf = (count: number) => wrong(count, 'the signature is valid \\(BIP-340, 32 events\\)$');
const notFound = (count: number) => `not true for ${count} rows: every event can be found by its text`;
const searchOf = (count: number) =>
  wrong(count, "search_vector is what the relay's trigger makes of the content \\(200 events\\)$");
const one = (change: string) =>
  `UPDATE ${TABLES.events} SET ${change} WHERE id = (SELECT min(id) FROM ${TABLES.events})`;
const untriggered = (sql: string) => `ALTER TABLE ${TABLES.events} DISABLE TRIGGER USER; ${sql}`;

describe('verify-counts', () => {
  it.each(Object.values(TABLES))('finds nothing wrong with %s as the migrator left it', async (table) => {
    const { rows, digest } = tables.get(table) as VerifyCountsEvent;
    const handler = onTarget(createHandler({ connect: connectTo(place.url) }));
    expect(await handler(tables.get(table) as VerifyCountsEvent)).toEqual({
      table,
      verdict: 'verified',
      source: { rows, digest },
      target: { rows, digest },
      findings: [],
    });
  });

  it.each<[string, Harm, unknown[]]>([
    [
      'a byte of a content',
      one(`content = overlay(content placing 'N' from 1)`),
      [NOT_THE_SAME, idOf(1), signatureOf(1)],
    ],
    [
      'two contents swapped',
      `UPDATE ${TABLES.events} a SET content = b.content FROM ${TABLES.events} b
       WHERE (a.created_at, b.created_at) IN ((1700000000, 1700000001), (1700000001, 1700000000))`,
      [NOT_THE_SAME, idOf(2), signatureOf(2)],
    ],
    ['a time', one('created_at = created_at + 1'), [NOT_THE_SAME, idOf(1), signatureOf(1)]],
    ['a kind', one('kind = 7'), [NOT_THE_SAME, idOf(1), signatureOf(1)]],
    ['an author', one(`pubkey = repeat('ab', 32)`), [NOT_THE_SAME, idOf(1), signatureOf(1)]],
    ['tags', one(`tags = '[]'`), [NOT_THE_SAME, idOf(1), signatureOf(1)]],
    ['tags that are no JSON', one(`tags = '[['`), [NOT_THE_SAME, idOf(1), signatureOf(1)]],
    ['the spelling of tags alone', one(`tags = tags || ' '`), [NOT_THE_SAME]],
    ['a signature', one(`sig = repeat('00', 64)`), [NOT_THE_SAME, signatureOf(1)]],
    ['a signature that is no text of one', one(`sig = 'none'`), [NOT_THE_SAME, signatureOf(1)]],
    [
      'an event deleted',
      `DELETE FROM ${TABLES.events} WHERE id = (SELECT min(id) FROM ${TABLES.events})`,
      [`the source has ${EVENTS} rows and the target ${EVENTS - 1}`],
    ],
    ['an event added', (client) => addEvent(client), [`the source has ${EVENTS} rows and the target ${EVENTS + 1}`]],
    [
      'an event in the place of another',
      async (client) => {
        await client.query(`DELETE FROM ${TABLES.events} WHERE id = (SELECT min(id) FROM ${TABLES.events})`);
        await addEvent(client);
      },
      [NOT_THE_SAME],
    ],
    ['a search_vector taken away', untriggered(one('search_vector = NULL')), [notFound(1), searchOf(1)]],
    [
      'a search_vector of another text',
      untriggered(one(`search_vector = to_tsvector('english', 'something else')`)),
      [notFound(1), searchOf(1)],
    ],
    [
      'search_vectors of another language',
      untriggered(`UPDATE ${TABLES.events} SET search_vector = to_tsvector('simple', content || ' running')`),
      [notFound(EVENTS), searchOf(EVENTS)],
    ],
    ['no table', `DROP TABLE ${TABLES.events} CASCADE`, ['the target has no such table']],
  ])('sees in the events: %s', async (_, harm, findings) => {
    const verdict = await verdictAfter(TABLES.events, harm).catch((error) => error);
    expect(verdict).toMatchObject({ table: TABLES.events, verdict: 'mismatch', findings });
  });

  it.each<[string, string, string, string[]]>([
    [
      'a duplicate that was not there',
      TABLES.tags,
      `INSERT INTO ${TABLES.tags} SELECT * FROM ${TABLES.tags} LIMIT 1`,
      [`the source has ${3 * EVENTS} rows and the target ${3 * EVENTS + 1}`],
    ],
    [
      'a legal duplicate that went',
      TABLES.tags,
      `DELETE FROM ${TABLES.tags} WHERE ctid = (SELECT min(ctid) FROM ${TABLES.tags} WHERE key = 't')`,
      [`the source has ${3 * EVENTS} rows and the target ${3 * EVENTS - 1}`],
    ],
    [
      'a duplicate in the place of another row',
      TABLES.tags,
      `UPDATE ${TABLES.tags} SET key = 't', value = 'größe' WHERE key = 'n' AND value = '3'`,
      [`the same number of rows (${3 * EVENTS}), but not the same rows`],
    ],
    [
      'two values swapped',
      TABLES.kv,
      `UPDATE kv SET value = CASE key WHEN 'one' THEN 'value of two' ELSE 'value of one' END WHERE key <> 'three'`,
      ['the same number of rows (3), but not the same rows'],
    ],
    [
      'bytes that moved from one column to the next',
      TABLES.kv,
      `UPDATE kv SET key = 'onevalue', value = ' of one' WHERE key = 'one'`,
      ['the same number of rows (3), but not the same rows'],
    ],
    ['an emptied table', TABLES.kv, 'TRUNCATE kv', ['the source has 3 rows and the target 0']],
    ['no table', TABLES.kv, 'DROP TABLE kv', ['the target has no such table']],
  ])('sees %s in %s', async (_, table, harm, findings) => {
    expect(await verdictAfter(table, harm)).toMatchObject({ table, verdict: 'mismatch', findings });
  });

  it('sees an altered content by the id alone, when even the source figures agree with it', async () => {
    const verdict = await verdictAfter(TABLES.events, one(`content = 'forged'`), true);
    expect(verdict.source).toEqual(verdict.target);
    expect(verdict).toMatchObject({ verdict: 'mismatch', findings: [idOf(1), signatureOf(1)] });
    expect(verdict.findings[0]).toContain(firstId);
  });

  it('counts all altered events, not only the first hundred', async () => {
    const verdict = await verdictAfter(
      TABLES.events,
      `INSERT INTO ${TABLES.events} (id, created_at, kind, pubkey, content, tags, sig)
       SELECT md5(n::text) || md5(n::text), 1, 1, 'p', 'c', '[]', 's' FROM generate_series(1, 2500) n`,
      true,
    );
    expect(verdict.findings[0]).toEqual(idOf(2500));
  });

  it('sees bad signatures by themselves, when ids and source figures agree', async () => {
    const verdict = await verdictAfter(TABLES.events, `UPDATE ${TABLES.events} SET sig = reverse(sig)`, true);
    expect(verdict.source).toEqual(verdict.target);
    expect(verdict).toMatchObject({ verdict: 'mismatch', findings: [signatureOf(EVENTS)] });
  });

  it('refuses a table of no known kind', async () => {
    const handler = onTarget(createHandler({ connect: connectTo(place.url) }));
    await expect(handler({ table: 'relay__other', kind: 'events', rows: 0, digest: '' })).rejects.toThrow(
      expect.objectContaining({
        name: 'Refused',
        message: 'No table kind is known for "relay__other": expected one of events, event_tags, kv.',
      }),
    );
  });

  it('fails, and gives no verdict, when it may not look', async () => {
    const url = await copyOfDatabase(place.url);
    await withClient(url, (client) => client.query('ALTER TABLE kv RENAME COLUMN value TO worth'));
    const handler = onTarget(createHandler({ connect: connectTo(url) }));
    await expect(handler(tables.get('kv') as VerifyCountsEvent)).rejects.toThrow('column "value" does not exist');
  });
});

async function addEvent(client: pg.Client): Promise<void> {
  const event = finalizeEvent({ kind: 1, created_at: 1, content: 'new', tags: [] }, hexToBytes('77'.repeat(32)));
  await client.query(
    `INSERT INTO ${TABLES.events} (id, created_at, kind, pubkey, content, tags, sig) VALUES ($1, $2, $3, $4, $5, '[]', $6)`,
    [event.id, event.created_at, event.kind, event.pubkey, event.content, event.sig],
  );
}
