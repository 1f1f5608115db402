import type { Filter } from 'nostr-tools/filter';
import type { NostrEvent } from 'nostr-tools/pure';
import { identifier, type RelayDatabase, type Row, type Run } from './database.ts';
import { filterQuery } from './filter.ts';
import { type Address, addressOf, DELETION_KIND, deletionTargets, dTag, indexedTags, outranks } from './nostr-rules.ts';

/** `superseded`: a newer event stands at the same address, so that this one was not stored. */
export type Outcome = 'stored' | 'duplicate' | 'superseded';

export interface EventStore {
  /** Gives its outcome only after the event, its tags and what it replaces or deletes are committed in one transaction. */
  save(event: NostrEvent): Promise<Outcome>;
  query(filter: Filter): Promise<NostrEvent[]>;
}

/** What NIP-01 and NIP-09 ask of a relay's store, said once for both databases. */
export function eventStore(database: RelayDatabase, schema: string): EventStore {
  const events = identifier(`${schema}__events`);
  const eventTags = identifier(`${schema}__event_tags`);

  async function atAddress(run: Run, address: Address): Promise<NostrEvent[]> {
    const rows = await run(`SELECT * FROM ${events} WHERE kind = $1 AND pubkey = $2`, [address.kind, address.pubkey]);
    return rows.map(toEvent).filter(({ tags }) => address.d === undefined || dTag(tags) === address.d);
  }

  async function remove(run: Run, ids: string[]): Promise<void> {
    // The foreign key takes the rows of event_tags along.
    for (const id of ids) await run(`DELETE FROM ${events} WHERE id = $1`, [id]);
  }

  async function obeyDeletion(run: Run, deletion: NostrEvent): Promise<void> {
    const { ids, addresses } = deletionTargets(deletion);
    for (const id of ids) {
      await run(`DELETE FROM ${events} WHERE id = $1 AND pubkey = $2 AND kind <> ${DELETION_KIND}`, [
        id,
        deletion.pubkey,
      ]);
    }
    for (const address of addresses) {
      const older = (await atAddress(run, address)).filter((event) => event.created_at <= deletion.created_at);
      await remove(
        run,
        older.map(({ id }) => id),
      );
    }
  }

  async function insert(run: Run, event: NostrEvent): Promise<void> {
    const { id, created_at, kind, pubkey, content, tags, sig } = event;
    await run(
      `INSERT INTO ${events} (id, created_at, kind, pubkey, content, tags, sig) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [id, created_at, kind, pubkey, content, JSON.stringify(tags), sig],
    );
    for (const { key, value } of indexedTags(event)) {
      await run(`INSERT INTO ${eventTags} (event_id, key, value) VALUES ($1, $2, $3)`, [id, key, value]);
    }
  }

  return {
    save: (event) =>
      database.transaction(async (run) => {
        if ((await run(`SELECT 1 FROM ${events} WHERE id = $1`, [event.id])).length > 0) return 'duplicate';
        const address = addressOf(event);
        const rivals = address === undefined ? [] : await atAddress(run, address);
        if (rivals.some((rival) => outranks(rival, event))) return 'superseded';
        await remove(
          run,
          rivals.map(({ id }) => id),
        );
        if (event.kind === DELETION_KIND) await obeyDeletion(run, event);
        await insert(run, event);
        return 'stored';
      }),
    async query(filter) {
      const { sql, parameters } = filterQuery(filter, schema, database.textCondition);
      return (await database.read(sql, parameters)).map(toEvent);
    },
  };
}

/** PostgreSQL's driver gives a BIGINT as text. */
function toEvent(row: Row): NostrEvent {
  return {
    id: String(row.id),
    pubkey: String(row.pubkey),
    created_at: Number(row.created_at),
    kind: Number(row.kind),
    tags: JSON.parse(String(row.tags)),
    content: String(row.content),
    sig: String(row.sig),
  };
}
