import { createHash } from 'node:crypto';
import { eventId } from '../migrator/event-id.ts';
import type { Rows } from './rows.ts';

/** An event as relays give it; no signature of it is ever looked at, so that none is made. */
export interface ModelEvent {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  sig: string;
}

const events: ModelEvent[] = [];
const byId = new Map<string, ModelEvent>();

/** The event of a number, the same one in each run: making them anew for each would take most of its time. */
export function eventOf(number: number): ModelEvent {
  for (let next = events.length; next <= number; next += 1) {
    const fields = { pubkey: 'a'.repeat(64), created_at: 1_700_000_000 + next, kind: 1, content: `event ${next}` };
    const id = eventId({ ...fields, id: '', created_at: String(fields.created_at), tags: '[]' }) as string;
    const sig = createHash('sha512').update(id).digest('hex');
    const event = { id, ...fields, tags: [], sig };
    events.push(event);
    byId.set(id, event);
  }
  return events[number] as ModelEvent;
}

/** The newest events among some rows, or those with certain ids. */
export function selectEvents(rows: Rows, { ids, limit = 500 }: { ids?: string[]; limit?: number }): ModelEvent[] {
  const wanted = ids ?? [...rows.keys()].slice(-limit).reverse();
  return wanted.flatMap((id) => (rows.has(id) ? (byId.get(id) ?? []) : []));
}
