import { hash } from 'node:crypto';

export interface StoredEvent {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  /** JSON, as both databases store it. */
  tags: string;
  content: string;
}

/**
 * Computes an event's id from its other fields: the SHA-256 of their JSON serialization.
 * Source: NIP-01, "Events and signatures".
 *
 * @returns 64 hexadecimal digits, or undefined when `tags` is no JSON
 */
export function eventId(event: StoredEvent): string | undefined {
  let tags: unknown;
  try {
    tags = JSON.parse(event.tags);
  } catch {
    return undefined;
  }
  return hash('sha256', JSON.stringify([0, event.pubkey, event.created_at, event.kind, tags, event.content]));
}
