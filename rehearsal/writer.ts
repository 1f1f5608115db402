import { setTimeout as pause } from 'node:timers/promises';
import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
import {
  connect,
  type NostrClient,
  PAYLOAD_BYTES_MAX,
  type RelayEndpoint,
  withRelay,
} from '../lambdas/nostr-client.ts';
import { isNostrEvent } from '../lambdas/nostr-event.ts';

/** An event that the relay acknowledged: it must be there at the end, whichever relay serves then. */
export interface AcknowledgedEvent {
  id: string;
}

export interface Writer {
  /** Ends the writer; an answer that is still on its way is waited for. */
  stop(): Promise<void>;
  /** Resolves when the writer has ended, by `stop` or by itself. */
  readonly ended: Promise<void>;
}

interface WriterOptions {
  endpoint: RelayEndpoint;
  /** Notes a second; `Infinity` for one after the other without a pause. */
  perSecond: number;
  /** Write over one connection only, until the relay's side closes it. */
  onceOnly?: boolean;
  onAcknowledged(event: AcknowledgedEvent): void;
}

const RECONNECT_MILLISECONDS = 100;
const ANSWER_SECONDS_MAX = 5;
/** A relay takes a few seconds to start on a machine that is busy with other things too. */
const RELAY_ANSWERS_SECONDS_MAX = 30;
const IDS_ASKED_AT_ONCE = 200;

/**
 * A client that publishes short notes over WebSocket all the time, signed by a key of the moment: over the connection that
 * it has as long as that stands, also while the relay drains, and then over a new one. What was sent and not acknowledged
 * was promised by nobody.
 */
export function startWriter({ endpoint, perSecond, onceOnly = false, onAcknowledged }: WriterOptions): Writer {
  const secretKey = generateSecretKey();
  const stopping = new AbortController();
  let count = 0;

  const writeOn = async (client: NostrClient): Promise<void> => {
    while (!stopping.signal.aborted) {
      onAcknowledged(await publishNote(client, secretKey, `written all the time, ${++count}`));
      if (Number.isFinite(perSecond)) await rest(1_000 / perSecond, stopping.signal);
    }
  };
  const write = async (): Promise<void> => {
    do {
      try {
        const options = { ...endpoint, timeoutSeconds: ANSWER_SECONDS_MAX, maxPayloadBytes: PAYLOAD_BYTES_MAX };
        const client = await connect(options);
        try {
          await client.authenticate(secretKey);
          await writeOn(client);
        } finally {
          await client.close();
        }
      } catch {
        // No relay is there, or it has gone: that is what the writer lives with.
        await rest(RECONNECT_MILLISECONDS, stopping.signal);
      }
    } while (!stopping.signal.aborted && !onceOnly);
  };
  const ended = perSecond > 0 ? write() : Promise.resolve();
  return {
    ended,
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

/**
 * Publishes one note and waits for the relay's word, asking again until it answers: for a relay that is about to serve.
 *
 * @throws Error when no relay took it in time
 */
export async function publishOnce(
  endpoint: RelayEndpoint,
  text: string,
  signal: AbortSignal,
): Promise<AcknowledgedEvent> {
  const secretKey = generateSecretKey();
  const deadline = Date.now() + RELAY_ANSWERS_SECONDS_MAX * 1_000;
  for (;;) {
    try {
      return await withRelay(endpoint, (client) => publishNote(client, secretKey, text), { secretKey });
    } catch (error) {
      signal.throwIfAborted();
      if (Date.now() > deadline) throw error;
      await rest(RECONNECT_MILLISECONDS, signal);
    }
  }
}

/** Which of the events a relay serves now. */
export async function servedEvents(endpoint: RelayEndpoint, events: AcknowledgedEvent[]): Promise<Set<string>> {
  const ids = events.map(({ id }) => id);
  return withRelay(endpoint, async (client) => {
    const served = new Set<string>();
    for (let first = 0; first < ids.length; first += IDS_ASKED_AT_ONCE) {
      const found = await client.query({ ids: ids.slice(first, first + IDS_ASKED_AT_ONCE) });
      for (const event of found.filter(isNostrEvent)) served.add(event.id);
    }
    return served;
  });
}

/** @throws Error when the relay does not take it */
async function publishNote(client: NostrClient, secretKey: Uint8Array, content: string): Promise<AcknowledgedEvent> {
  const created_at = Math.floor(Date.now() / 1_000);
  const event = finalizeEvent({ kind: 1, created_at, tags: [['t', 'rehearsal']], content }, secretKey);
  const { accepted, message } = await client.publish(event);
  if (!accepted) throw new Error(`The relay did not take an event: ${message}`);
  return { id: event.id };
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => {});
}
