import { getEventHash, type NostrEvent, validateEvent } from 'nostr-tools/pure';

const ID = /^[0-9a-f]{64}$/;
const SIGNATURE = /^[0-9a-f]{128}$/;

/** Tells whether a value that came from outside has every field of a Nostr event in the form that NIP-01 gives it. The id and the signature may still be wrong. */
export function isNostrEvent(value: unknown): value is NostrEvent {
  if (!validateEvent(value)) return false;
  const { id, sig } = value as { id?: unknown; sig?: unknown };
  return (
    typeof id === 'string' &&
    ID.test(id) &&
    typeof sig === 'string' &&
    SIGNATURE.test(sig) &&
    Number.isSafeInteger(value.created_at) &&
    value.created_at >= 0 &&
    Number.isInteger(value.kind) &&
    value.kind >= 0 &&
    value.kind <= 65_535
  );
}

/** Tells whether an event's id is the SHA-256 of its other fields (NIP-01), and so whether any field but the signature was altered. */
export function hasItsOwnId(event: NostrEvent): boolean {
  return getEventHash(event) === event.id;
}
