import { Refused } from '../statemachine/errors.ts';
import { eventId, type StoredEvent } from './event-id.ts';
import type { TableRows } from './row-reader.ts';

/** Whether an event has the id that NIP-01 gives it. @param row of `RowReader.rows` or of a query, by column */
export function hasOwnId(row: Record<string, unknown>): boolean {
  const event = row as unknown as StoredEvent;
  // A large text comes as bytes.
  return eventId({ ...event, content: String(event.content) }) === event.id;
}

/**
 * Looks at one row that is copied as the check of ids does.
 *
 * @param values `[rowid, ...columns]`, see `RowReader.rows`
 * @throws Refused when it is an event with an id that is not its hash; the checks then say which ones there are
 */
export function assertOwnId({ kind, columns }: TableRows, values: unknown[]): void {
  if (kind !== 'events') return;
  const event = Object.fromEntries(columns.map(({ name }, index) => [name, values[index + 1]]));
  if (!hasOwnId(event))
    throw new Refused(
      `The event ${JSON.stringify(String(event.id))} has an id that is not the hash of its content (NIP-01).`,
    );
}
