import { describe, expect, it } from 'vitest';
import type { Ecs } from '../../lambdas/ecs-tasks.ts';
import type { LockItem } from '../../lambdas/execution-lock/lock-store.ts';
import { createHandler } from '../../lambdas/scale-service.ts';

const OWNER = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:a';
const ITEM: LockItem = {
  stackName: 'relay',
  version: 1,
  owner: OWNER,
  since: '2026-01-01T00:00:00.000Z',
  takenFrom: null,
  released: false,
  held: null,
  plan: null,
};
const EVENT = { stackName: 'relay', owner: OWNER, cluster: 'cluster', service: 'service', desiredCount: 1 } as const;

function handlerWith(item: LockItem | undefined) {
  const sent: unknown[] = [];
  const ecs = { send: async ({ input }: { input: unknown }) => void sent.push(input) } as unknown as Ecs;
  return { sent, handler: createHandler({ ecs, lock: { read: async () => item } }) };
}

describe('scale-service', () => {
  it('changes the desired count, and names the task definition where one is asked for', async () => {
    const { sent, handler } = handlerWith(ITEM);
    expect(await handler(EVENT)).toEqual({ desiredCount: 1 });
    await handler({ ...EVENT, desiredCount: 0 });
    await handler({ ...EVENT, taskDefinition: 'relay:2' });
    const common = { cluster: 'cluster', service: 'service' };
    expect(sent).toEqual([
      { ...common, desiredCount: 1 },
      { ...common, desiredCount: 0 },
      { ...common, desiredCount: 1, taskDefinition: 'relay:2' },
    ]);
  });

  it.each([
    ['nobody has the lock', undefined],
    ['another execution has taken over', { ...ITEM, owner: `${OWNER}-other` }],
    ['the execution has given it back', { ...ITEM, released: true }],
  ])('changes nothing when %s', async (_, item) => {
    const { sent, handler } = handlerWith(item);
    await expect(handler(EVENT)).rejects.toMatchObject({ name: 'LockHeld' });
    expect(sent).toEqual([]);
  });
});
