import { describe, expect, it } from 'vitest';
import type { LockItem } from '../../lambdas/execution-lock/lock-store.ts';
import type { ExecutionResult } from '../../rehearsal/interpreter/execution.ts';
import { standing } from '../../simulation/operator.ts';

type World = Parameters<typeof standing>[0];

/** A restore that has the lock and runs; it ends as it is told to, and gives the lock back when that is a good end. */
function restoreThatRuns() {
  const item = { owner: 'arn:restore', released: false } as unknown as LockItem;
  const execution = { arn: 'arn:restore', status: 'RUNNING', done: undefined as unknown };
  let end: (result: ExecutionResult) => void = () => {};
  execution.done = new Promise<ExecutionResult>((resolve) => {
    end = (result) => {
      execution.status = result.status;
      if (result.status === 'SUCCEEDED') Object.assign(item, { released: true });
      resolve(result);
    };
  });
  const world = {
    cloud: { lockItem: async () => item },
    stepFunctions: { started: [{ machine: 'restore', execution }] },
  } as unknown as World;
  return { world, end };
}

describe('what stands, to the operator of the simulation', () => {
  it('is nothing when the owner of the lock still ran and has come to its good end', async () => {
    const { world, end } = restoreThatRuns();
    const found = standing(world);
    setImmediate(() => end({ status: 'SUCCEEDED' }));
    expect(await found).toBeUndefined();
  });

  it('is the owner of the lock that still ran and has failed', async () => {
    const { world, end } = restoreThatRuns();
    const found = standing(world);
    setImmediate(() => end({ status: 'FAILED', error: 'HeldForOperator' }));
    expect((await found)?.execution.arn).toBe('arn:restore');
  });
});
