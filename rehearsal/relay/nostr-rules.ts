import { isAddressableKind, isReplaceableKind } from 'nostr-tools/kinds';
import { finalizeEvent, getPublicKey, type NostrEvent } from 'nostr-tools/pure';

export const DELETION_KIND = 5;
export const AUTHENTICATION_KIND = 22_242;
export const ADMIN_LIST_KIND = 13_534;

/** Where a replaceable or addressable event lives: at most one event stands at an address (NIP-01). */
export interface Address {
  kind: number;
  pubkey: string;
  /** The value of the first `d` tag; undefined for replaceable kinds, where tags do not count. */
  d: string | undefined;
}

/** The first `d` tag's value; NIP-01 takes a missing tag for an empty value. */
export function dTag(tags: string[][]): string {
  return tags.find(([name]) => name === 'd')?.[1] ?? '';
}

/** The address at which an event replaces another, or undefined when its kind is regular. */
export function addressOf(event: NostrEvent): Address | undefined {
  const { kind, pubkey } = event;
  if (isReplaceableKind(kind)) return { kind, pubkey, d: undefined };
  return isAddressableKind(kind) ? { kind, pubkey, d: dTag(event.tags) } : undefined;
}

/** Tells whether `a` stays when both claim one address: the newer one, at the same second the lower id (NIP-01). */
export function outranks(a: { id: string; created_at: number }, b: { id: string; created_at: number }): boolean {
  return a.created_at === b.created_at ? a.id < b.id : a.created_at > b.created_at;
}

/** What a deletion request asks to delete of its own author's events (NIP-09). */
export function deletionTargets(event: NostrEvent): { ids: string[]; addresses: Address[] } {
  const ids: string[] = [];
  const addresses: Address[] = [];
  for (const [name, value = ''] of event.tags) {
    if (name === 'e') ids.push(value);
    if (name !== 'a') continue;
    const match = /^(\d+):([0-9a-f]{64}):(.*)$/s.exec(value);
    const [, kind = '', pubkey = '', d = ''] = match ?? [];
    if (pubkey !== event.pubkey) continue;
    if (isAddressableKind(Number(kind))) addresses.push({ kind: Number(kind), pubkey, d });
    if (isReplaceableKind(Number(kind))) addresses.push({ kind: Number(kind), pubkey, d: undefined });
  }
  return { ids, addresses };
}

/** The rows of the table event_tags: each tag with a one-letter name and a value, duplicates kept. */
export function indexedTags(event: NostrEvent): { key: string; value: string }[] {
  return event.tags.flatMap(([key, value]) =>
    key !== undefined && /^[A-Za-z]$/.test(key) && value !== undefined ? [{ key, value }] : [],
  );
}

/** The admin-list event that the relay writes at every start. */
export function adminList(secretKey: Uint8Array, adminPubkeys: string[], createdAt: number): NostrEvent {
  const members = [getPublicKey(secretKey), ...adminPubkeys].map((pubkey) => ['member', pubkey]);
  return finalizeEvent(
    { kind: ADMIN_LIST_KIND, created_at: createdAt, content: '', tags: [['-'], ...members] },
    secretKey,
  );
}
