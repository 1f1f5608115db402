import { type NostrEvent, verifyEvent } from 'nostr-tools/pure';
import type pg from 'pg';
import { eventId, type StoredEvent } from '../migrator/event-id.ts';
import { quoteIdentifier, type Table } from '../migrator/table-kinds.ts';

interface EventCheck {
  title: string;
  violations(client: pg.Client, table: Table): Promise<Violations>;
}

/** For how many events it is not true, and the id of one of them. */
interface Violations {
  count: number;
  example?: string;
}

type SignedEvent = Omit<NostrEvent, 'tags'> & { tags: string };

const BATCH_ROWS = 1_000;
const SEARCH_SAMPLE = 200;
const SIGNATURE_SAMPLE = 32;

/** What must be true of the events in the target, by rules that were there before the migrator: NIP-01, BIP-340, the relay's trigger. */
export const EVENT_CHECKS: EventCheck[] = [
  {
    title: 'the id is the hash of the event (NIP-01)',
    async violations(client, table) {
      const wrong: Violations = { count: 0 };
      const name = quoteIdentifier(table.name);
      await client.query(
        `DECLARE all_events NO SCROLL CURSOR FOR SELECT id, pubkey, created_at::text AS created_at, kind, tags, content FROM ${name}`,
      );
      for (;;) {
        const { rows } = await client.query<StoredEvent>(`FETCH ${BATCH_ROWS} FROM all_events`);
        for (const event of rows) {
          if (eventId(event) === event.id) continue;
          wrong.count++;
          wrong.example ??= event.id;
        }
        if (rows.length < BATCH_ROWS) break;
      }
      await client.query('CLOSE all_events');
      return wrong;
    },
  },
  {
    title: `search_vector is what the relay's trigger makes of the content (${SEARCH_SAMPLE} events)`,
    async violations(client, table) {
      const { rows } = await client.query<{ id: string }>(
        `SELECT id FROM (SELECT id, content, search_vector FROM ${quoteIdentifier(table.name)} ORDER BY md5(id) LIMIT ${SEARCH_SAMPLE}) AS sample
         WHERE search_vector IS DISTINCT FROM to_tsvector('english', coalesce(content, ''))`,
      );
      return violations(rows);
    },
  },
  {
    title: `the signature is valid (BIP-340, ${SIGNATURE_SAMPLE} events)`,
    async violations(client, table) {
      // nostr-tools computes the id from a number, which is exact up to 2^53 seconds only.
      const { rows } = await client.query<SignedEvent>(
        `SELECT id, pubkey, created_at::float8 AS created_at, kind, tags, content, sig FROM ${quoteIdentifier(table.name)}
         WHERE created_at BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER} ORDER BY md5(sig) LIMIT ${SIGNATURE_SAMPLE}`,
      );
      return violations(rows.filter((row) => !hasValidSignature(row)));
    },
  },
];

function violations(rows: { id: string }[]): Violations {
  return { count: rows.length, ...(rows[0] && { example: rows[0].id }) };
}

function hasValidSignature(row: SignedEvent): boolean {
  try {
    return verifyEvent({ ...row, tags: JSON.parse(row.tags) });
  } catch {
    return false;
  }
}
