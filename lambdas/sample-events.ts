import { isRegularKind } from 'nostr-tools/kinds';
import type { NostrEvent } from 'nostr-tools/pure';
import type { NostrClient } from './nostr-client.ts';
import { hasItsOwnId, isNostrEvent } from './nostr-event.ts';

/** An event by which a relay can be asked whether it still has it unaltered. */
export interface SampleEvent {
  id: string;
  sig: string;
}

const DELETION_KIND = 5;
const PAGE_EVENTS = 100;
const PAGES_MAX = 20;

/**
 * Chooses up to `count` events, spread evenly over the time that they span, which any relay on the same rows has to return.
 *
 * Left out is what may vanish or stay hidden by the rules: replaceable, addressable and ephemeral kinds and deletions
 * (NIP-01, NIP-09), events that expire (NIP-40), events of a group (NIP-29, tag `h`), and events whose id is wrong.
 */
export function chooseSamples(events: NostrEvent[], count: number): SampleEvent[] {
  const unique = [...new Map(events.filter(isCandidate).map((event) => [event.id, event])).values()];
  const candidates = unique.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
  const chosen = Math.min(count, candidates.length);
  return Array.from({ length: chosen }, (_, index) => {
    const { id, sig } = candidates[Math.floor((index * candidates.length) / chosen)] as NostrEvent;
    return { id, sig };
  });
}

/**
 * Asks an authenticated relay for samples: its newest events, page by page, until there are `count` candidates, no more
 * events, or 20 pages of 100 have been read.
 *
 * @throws Error as the client's query does
 */
export async function fetchSamples(client: Pick<NostrClient, 'query'>, count: number): Promise<SampleEvent[]> {
  const seen = new Map<string, NostrEvent>();
  let until: number | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await client.query({ limit: PAGE_EVENTS, ...(until === undefined ? {} : { until }) });
    const events = answer.filter(isNostrEvent);
    const seenBefore = seen.size;
    for (const event of events) seen.set(event.id, event);
    if (events.length === 0 || [...seen.values()].filter(isCandidate).length >= count) break;
    // A page may end within a second, so its oldest second is asked for again; once that brings nothing new, the one before.
    const oldest = Math.min(...events.map((event) => event.created_at));
    until = seen.size > seenBefore ? oldest : oldest - 1;
  }
  return chooseSamples([...seen.values()], count);
}

function isCandidate(event: NostrEvent): boolean {
  return (
    isRegularKind(event.kind) &&
    event.kind !== DELETION_KIND &&
    !event.tags.some(([name]) => name === 'expiration' || name === 'h') &&
    hasItsOwnId(event)
  );
}
