import { randomBytes } from 'node:crypto';
import { finalizeEvent, generateSecretKey, type NostrEvent } from 'nostr-tools/pure';
import { type NostrClient, type RelayEndpoint, withRelay } from '../lambdas/nostr-client.ts';
import { isNostrEvent } from '../lambdas/nostr-event.ts';
import type { AcknowledgedEvent } from './writer.ts';

const NOTE_KIND = 1;
const DELETION_KIND = 5;
const PROFILE_KIND = 0;
const ARTICLE_KIND = 30_023;

/** Somebody who wrote to the relay before the cutover and goes on after it: what a rollback has to bring back, and to take away. */
export interface Author {
  /** What the old relay is to have before the cutover. */
  writeBefore(): Promise<void>;
  /** Adds, replaces and deletes, of what is new and of what the old relay has too. */
  writeAfter(): Promise<void>;
  /** What a relay has to serve in the end. */
  readonly kept: AcknowledgedEvent[];
  /** What was deleted or replaced after the cutover, and is not to be served any more. */
  readonly gone: AcknowledgedEvent[];
  /** The events that a relay finds by the word that only the last note has. */
  findByText(): Promise<string[]>;
  /** The event that has it; undefined before it was written. */
  readonly lastNote: AcknowledgedEvent | undefined;
}

export function createAuthor(endpoint: RelayEndpoint): Author {
  const secretKey = generateSecretKey();
  const word = `w${randomBytes(8).toString('hex')}`;
  const kept: AcknowledgedEvent[] = [];
  const gone: AcknowledgedEvent[] = [];
  const written = new Map<string, NostrEvent>();
  let createdAt = Math.floor(Date.now() / 1_000) - 60;

  const write = async (
    client: NostrClient,
    name: string,
    { kind = NOTE_KIND, tags = [] as string[][], content = name },
  ): Promise<void> => {
    // Each one later than the one before: which of two profiles stays is then no matter of their ids.
    createdAt += 1;
    const event = finalizeEvent({ kind, tags, content, created_at: createdAt }, secretKey);
    const { accepted, message } = await client.publish(event);
    if (!accepted) throw new Error(`The relay did not take "${name}": ${message}`);
    written.set(name, event);
    kept.push({ id: event.id });
  };
  const replace = async (client: NostrClient, name: string, by: string, event: object): Promise<void> => {
    await write(client, by, event);
    leave(name);
  };
  const remove = async (client: NostrClient, name: string): Promise<void> => {
    await write(client, `deletion of ${name}`, { kind: DELETION_KIND, tags: [['e', idOf(name)]] });
    leave(name);
  };
  const idOf = (name: string): string => (written.get(name) as NostrEvent).id;
  const leave = (name: string): void => {
    const at = kept.findIndex(({ id }) => id === idOf(name));
    gone.push(...kept.splice(at, 1));
  };
  const connected = (work: (client: NostrClient) => Promise<void>): Promise<void> =>
    withRelay(endpoint, work, { secretKey });
  const article = { kind: ARTICLE_KIND, tags: [['d', 'rehearsal']] };

  return {
    kept,
    gone,
    get lastNote() {
      const event = written.get('last note');
      return event && { id: event.id };
    },
    writeBefore: () =>
      connected(async (client) => {
        await write(client, 'profile', { kind: PROFILE_KIND, content: '{"name":"before"}' });
        await write(client, 'article', article);
        await write(client, 'note to delete', {});
        await write(client, 'note', {});
      }),
    writeAfter: () =>
      connected(async (client) => {
        await replace(client, 'profile', 'new profile', { kind: PROFILE_KIND, content: '{"name":"after"}' });
        await replace(client, 'article', 'new article', article);
        await remove(client, 'note to delete');
        await write(client, 'new note to delete', {});
        await remove(client, 'new note to delete');
        await write(client, 'answer', {
          tags: [
            ['e', idOf('note')],
            ['t', 'rehearsal'],
          ],
        });
        await write(client, 'last note', { content: `The last one says ${word}.` });
      }),
    findByText: () =>
      withRelay(endpoint, async (client) =>
        (await client.query({ search: word })).filter(isNostrEvent).map(({ id }) => id),
      ),
  };
}
