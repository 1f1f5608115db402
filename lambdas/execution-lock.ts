import { setTimeout as sleep } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Json } from '../statemachine/asl.ts';
import { HeldForOperator } from '../statemachine/errors.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { type DescribeExecution, describedBy } from './execution-lock/executions.ts';
import { changeLock, type Decide, type Failure, type LockStore } from './execution-lock/lock-store.ts';
import { type Acquired, acquire, hold, reclaim, recordPlan, release, resume } from './execution-lock/owning.ts';
import { type TakenOver, takeOver } from './execution-lock/take-over.ts';

export type ExecutionLockEvent = {
  /** Name of the relay's stack. */
  stackName: string;
  /** ARN of the calling execution. */
  owner: string;
} & (
  | { action: 'acquire' }
  | { action: 'record'; plan: Json }
  | { action: 'reclaim' }
  | {
      action: 'hold';
      /** The execution's redrive count when it came to the hold. */
      heldAtRedrive: number;
      redriveCount: number;
      failure: Failure;
    }
  | { action: 'release' }
  | { action: 'take-over'; from: string | null; force: boolean }
);

export type ExecutionLockResult = Acquired | TakenOver | { owner: string } | { resumed: true } | { released: boolean };

export interface ExecutionLockDependencies {
  store: LockStore;
  describeExecution: DescribeExecution;
  now(): Date;
  pause(seconds: number): Promise<void>;
}

/**
 * Makes the handler of the lock that lets one execution at a time change the relay's stack, whichever machine it belongs to.
 *
 * - `acquire` takes it, at the start; `record` keeps what a take-over has to know, before the first change
 * - `hold` waits for an operator: it fails until the execution has been redriven; `reclaim` goes on after a redrive
 * - `release` gives it back at the end of an execution
 * - `take-over` is asked by the machine that brings the old relay back after an execution that ended halfway
 *
 * @throws LockHeld when somebody else has the lock, or this execution has given it back
 * @throws HeldForOperator (`hold`) until the redrive
 */
export function createHandler(
  dependencies: ExecutionLockDependencies,
): (event: ExecutionLockEvent) => Promise<ExecutionLockResult> {
  return async (event) => {
    const change = <Result>(decide: Decide<Result>) => changeLock(dependencies.store, event.stackName, decide);
    switch (event.action) {
      case 'acquire':
        return change(acquire(event, dependencies));
      case 'record':
        return change(recordPlan(event, event.plan));
      case 'reclaim':
        return change(reclaim(event));
      case 'hold': {
        if (event.redriveCount <= event.heldAtRedrive) {
          throw new HeldForOperator(await change(hold(event, event.failure, dependencies.now)));
        }
        return change(resume(event));
      }
      case 'release':
        return change(release(event));
      case 'take-over':
        return change(takeOver(event, dependencies));
    }
  };
}

let deployed: ((event: ExecutionLockEvent) => Promise<ExecutionLockResult>) | undefined;

/** The Lambda entry point; the table with the locks stands in LOCK_TABLE. */
export async function handler(event: ExecutionLockEvent): Promise<ExecutionLockResult> {
  deployed ??= createHandler({
    store: deployedStore(process.env),
    describeExecution: describedBy(new SFNClient({})),
    now: () => new Date(),
    pause: (seconds) => sleep(seconds * 1_000),
  });
  return deployed(event);
}
