import { randomBytes } from 'node:crypto';
import { type Filter, matchFilters } from 'nostr-tools/filter';
import { isEphemeralKind } from 'nostr-tools/kinds';
import { type NostrEvent, sortEvents, verifyEvent } from 'nostr-tools/pure';
import { hasItsOwnId, isNostrEvent } from '../../lambdas/nostr-event.ts';
import type { EventStore } from './event-store.ts';
import { parseFilter } from './filter.ts';
import { AUTHENTICATION_KIND } from './nostr-rules.ts';

const AUTHENTICATION_AGE_SECONDS_MAX = 600;

interface Subscription {
  filters: Filter[];
  /** Events that came while the stored ones were still being read; undefined once those have been sent. */
  waiting: NostrEvent[] | undefined;
}

export interface Connection {
  /** Answers one text message of the client; never rejects. */
  receive(text: string): Promise<void>;
  /** Hands a new event to every subscription that asks for it. */
  deliver(event: NostrEvent): void;
}

/** One client's conversation by NIP-01 and NIP-42. `publish` hands a stored or ephemeral event to all connections. */
export function openConnection(
  host: string,
  store: EventStore,
  send: (message: unknown[]) => void,
  publish: (event: NostrEvent) => void,
): Connection {
  const challenge = randomBytes(16).toString('hex');
  const subscriptions = new Map<string, Subscription>();
  let pubkey: string | undefined;
  send(['AUTH', challenge]);

  function authenticate(event: unknown): void {
    const problem = authenticationProblem(event, challenge, host);
    if (problem === undefined) pubkey = (event as NostrEvent).pubkey;
    send(['OK', idOf(event), problem === undefined, problem ?? '']);
  }

  async function takeEvent(event: unknown): Promise<void> {
    const problem = publishProblem(event, pubkey);
    if (problem !== undefined) return send(['OK', idOf(event), false, problem]);
    const valid = event as NostrEvent;
    const outcome = isEphemeralKind(valid.kind) ? 'passed on' : await store.save(valid);
    if (outcome === 'superseded')
      return send(['OK', valid.id, false, 'replaced: a newer event stands at this address']);
    send(['OK', valid.id, true, outcome === 'duplicate' ? 'duplicate: already have this event' : '']);
    if (outcome !== 'duplicate') publish(valid);
  }

  async function subscribe(id: string, rawFilters: unknown[]): Promise<void> {
    if (pubkey === undefined) return send(['CLOSED', id, 'auth-required: authenticate before you ask for events']);
    if (rawFilters.length === 0) return send(['CLOSED', id, 'invalid: a REQ needs at least one filter']);
    let filters: Filter[];
    try {
      filters = rawFilters.map(parseFilter);
    } catch (error) {
      return send(['CLOSED', id, `invalid: ${(error as Error).message}`]);
    }
    // It stands before the stored events are read, so that no event falls between the two.
    const subscription: Subscription = { filters, waiting: [] };
    subscriptions.set(id, subscription);
    const found = new Map((await Promise.all(filters.map(store.query))).flat().map((event) => [event.id, event]));
    for (const event of sortEvents([...found.values()])) send(['EVENT', id, event]);
    send(['EOSE', id]);
    for (const event of subscription.waiting ?? []) if (!found.has(event.id)) send(['EVENT', id, event]);
    subscription.waiting = undefined;
  }

  async function answer([verb, argument, ...rest]: unknown[]): Promise<void> {
    if (verb === 'AUTH') return authenticate(argument);
    if (verb === 'EVENT') return takeEvent(argument);
    if (typeof argument !== 'string' || argument === '' || argument.length > 64) {
      return send(['NOTICE', `invalid: ${String(verb)} needs a subscription id of 1 to 64 characters`]);
    }
    if (verb === 'REQ') return subscribe(argument, rest);
    if (verb === 'CLOSE') return void subscriptions.delete(argument);
    send(['NOTICE', `invalid: unknown message type ${String(verb)}`]);
  }

  return {
    async receive(text) {
      const message = parseMessage(text);
      if (message === undefined)
        return send(['NOTICE', 'invalid: a message is a JSON array that begins with its type']);
      try {
        await answer(message);
      } catch (error) {
        send(failureAnswer(message, error));
      }
    },
    deliver(event) {
      for (const [id, { filters, waiting }] of subscriptions) {
        if (!matchFilters(filters, event)) continue;
        if (waiting === undefined) send(['EVENT', id, event]);
        else waiting.push(event);
      }
    },
  };
}

function parseMessage(text: string): unknown[] | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return Array.isArray(message) && typeof message[0] === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The id that an OK names, also when nothing else of the event is as it should be. */
function idOf(event: unknown): string {
  return String((event as { id?: unknown } | null | undefined)?.id ?? '');
}

/** A client that waits for an OK or an EOSE gets an answer also when the database fails. */
function failureAnswer([verb, argument]: unknown[], error: unknown): unknown[] {
  const reason = `error: the relay could not do it: ${(error as Error).message}`;
  if (verb === 'EVENT') return ['OK', idOf(argument), false, reason];
  return verb === 'REQ' ? ['CLOSED', argument, reason] : ['NOTICE', reason];
}

function publishProblem(event: unknown, pubkey: string | undefined): string | undefined {
  if (pubkey === undefined) return 'auth-required: authenticate before you publish';
  if (!isNostrEvent(event)) return 'invalid: a field of the event is missing or has another form than NIP-01 says';
  if (!hasItsOwnId(event)) return 'invalid: the id is not the hash of the event';
  if (!verifyEvent(event)) return 'invalid: the signature does not verify';
  if (event.pubkey !== pubkey) return 'restricted: you cannot publish events on behalf of others';
  if (event.kind === AUTHENTICATION_KIND) return 'invalid: authentication is no event to publish';
  return undefined;
}

function authenticationProblem(event: unknown, challenge: string, host: string): string | undefined {
  if (!isNostrEvent(event) || !verifyEvent(event)) return 'invalid: the authentication event does not verify';
  const value = (name: string) => event.tags.find(([tag]) => tag === name)?.[1] ?? '';
  if (event.kind !== AUTHENTICATION_KIND) return `invalid: an authentication event is of kind ${AUTHENTICATION_KIND}`;
  if (value('challenge') !== challenge) return 'invalid: the challenge is not the one that was sent';
  if (!URL.canParse(value('relay')) || new URL(value('relay')).host !== host) {
    return `invalid: the relay tag names another relay than ${host}`;
  }
  const ageSeconds = Math.abs(Date.now() / 1_000 - event.created_at);
  return ageSeconds > AUTHENTICATION_AGE_SECONDS_MAX ? 'invalid: the authentication event is too old' : undefined;
}
