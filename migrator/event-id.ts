import { hash } from 'node:crypto';

export interface StoredEvent {
  id: string;
  pubkey: string;
  /** To the last digit: both databases store 64 bits, of which a number holds 53. */
  created_at: bigint | number | string;
  kind: bigint | number;
  /** JSON, as both databases store it. */
  tags: string;
  content: string;
}

/**
 * Computes an event's id from its other fields: the SHA-256 of their JSON serialization.
 * Source: NIP-01, "Events and signatures".
 *
 * @returns 64 hexadecimal digits, or undefined when `tags` is no JSON, or lists in lists without end
 */
export function eventId(event: StoredEvent): string | undefined {
  let tags: string;
  try {
    // Lists in lists in lists can be read however deep they are, and not be written again: no event of a client has them.
    tags = JSON.stringify(JSON.parse(event.tags));
  } catch {
    return undefined;
  }
  const [pubkey, content] = [JSON.stringify(event.pubkey), JSON.stringify(event.content)];
  return hash('sha256', `[0,${pubkey},${event.created_at},${event.kind},${tags},${content}]`);
}
