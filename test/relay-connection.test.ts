import { makeAuthEvent } from 'nostr-tools/nip42';
import { finalizeEvent } from 'nostr-tools/pure';
import { expect, it } from 'vitest';
import { openConnection } from '../rehearsal/relay/connection.ts';
import { ADMIN_KEY, RELAY_HOST } from './support/relay-process.ts';
import { note } from './support/relay-rows.ts';

it('a subscription gets each event once, also one that is stored while the stored ones are read', async () => {
  const [old, both, fresh] = [1, 2, 3].map((n) => note(ADMIN_KEY, { created_at: n }));
  if (!old || !both || !fresh) throw new Error('three events were made');
  const sent: unknown[][] = [];
  const store = {
    save: async () => 'stored' as const,
    async query() {
      for (const event of [both, fresh]) connection.deliver(event);
      return [old, both];
    },
  };
  const connection = openConnection(
    RELAY_HOST,
    store,
    (frame) => sent.push(frame),
    () => undefined,
  );
  const authentication = finalizeEvent(makeAuthEvent(`wss://${RELAY_HOST}`, String(sent[0]?.[1])), ADMIN_KEY);
  await connection.receive(JSON.stringify(['AUTH', authentication]));
  sent.length = 0;
  await connection.receive(JSON.stringify(['REQ', 's', {}]));
  expect(sent).toEqual([
    ['EVENT', 's', both],
    ['EVENT', 's', old],
    ['EOSE', 's'],
    ['EVENT', 's', fresh],
  ]);
});
