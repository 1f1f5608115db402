import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
import { connect } from '../lambdas/nostr-client.ts';

/** An event that the relay acknowledged: it must be there at the end, whichever relay serves then. */
export interface AcknowledgedEvent {
  id: string;
}

const TIMEOUT_SECONDS = 10;
const PAYLOAD_BYTES_MAX = 4_194_304;

/**
 * Publishes short notes over the relay's WebSocket, signed by a key of the moment, as any client does.
 *
 * @throws Error when the relay does not acknowledge one of them
 */
export async function publishNotes(
  endpoint: { url: string; hostHeader: string },
  texts: string[],
): Promise<AcknowledgedEvent[]> {
  const client = await connect({ ...endpoint, timeoutSeconds: TIMEOUT_SECONDS, maxPayloadBytes: PAYLOAD_BYTES_MAX });
  const key = generateSecretKey();
  try {
    await client.authenticate(key);
    const acknowledged: AcknowledgedEvent[] = [];
    for (const content of texts) {
      const event = finalizeEvent(
        { kind: 1, created_at: Math.floor(Date.now() / 1000), tags: [['t', 'rehearsal']], content },
        key,
      );
      const { accepted, message } = await client.publish(event);
      if (!accepted) throw new Error(`The relay did not take an event: ${message}`);
      acknowledged.push({ id: event.id });
    }
    return acknowledged;
  } finally {
    await client.close();
  }
}

/** Which of the events a relay serves now. */
export async function servedEvents(
  endpoint: { url: string; hostHeader: string },
  events: AcknowledgedEvent[],
): Promise<Set<string>> {
  const client = await connect({ ...endpoint, timeoutSeconds: TIMEOUT_SECONDS, maxPayloadBytes: PAYLOAD_BYTES_MAX });
  try {
    await client.authenticate();
    const found = events.length === 0 ? [] : await client.query({ ids: events.map(({ id }) => id) });
    return new Set(found.map((event) => (event as { id: string }).id));
  } finally {
    await client.close();
  }
}
