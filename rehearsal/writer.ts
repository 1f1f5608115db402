import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
import { type NostrClient, type RelayEndpoint, withRelay } from '../lambdas/nostr-client.ts';

/** An event that the relay acknowledged: it must be there at the end, whichever relay serves then. */
export interface AcknowledgedEvent {
  id: string;
}

/**
 * Publishes short notes over the relay's WebSocket, signed by a key of the moment, as any client does.
 *
 * @throws Error when the relay does not acknowledge one of them
 */
export async function publishNotes(endpoint: RelayEndpoint, texts: string[]): Promise<AcknowledgedEvent[]> {
  const secretKey = generateSecretKey();
  const publishAll = async (client: NostrClient): Promise<AcknowledgedEvent[]> => {
    const acknowledged: AcknowledgedEvent[] = [];
    for (const content of texts) {
      const event = finalizeEvent(
        { kind: 1, created_at: Math.floor(Date.now() / 1000), tags: [['t', 'rehearsal']], content },
        secretKey,
      );
      const { accepted, message } = await client.publish(event);
      if (!accepted) throw new Error(`The relay did not take an event: ${message}`);
      acknowledged.push({ id: event.id });
    }
    return acknowledged;
  };
  return withRelay(endpoint, publishAll, { secretKey });
}

/** Which of the events a relay serves now. */
export function servedEvents(endpoint: RelayEndpoint, events: AcknowledgedEvent[]): Promise<Set<string>> {
  return withRelay(endpoint, async (client) => {
    const found = events.length === 0 ? [] : await client.query({ ids: events.map(({ id }) => id) });
    return new Set(found.map((event) => (event as { id: string }).id));
  });
}
