import { LockHeld } from '../../statemachine/errors.ts';
import { type DescribeExecution, type Standing, standingOf } from './executions.ts';
import { assertOurs, type Decide, type Failure, type LockItem } from './lock-store.ts';

/** Step Functions takes 256 KiB, DynamoDB 400; a cause of the whole length would be in the history several times. */
const CAUSE_CHARACTERS_MAX = 10_000;

interface Caller {
  stackName: string;
  /** ARN of the calling execution. */
  owner: string;
}

export interface Acquired {
  owner: string;
  /** ARN of the execution that had ended without releasing the lock; null where it was free. */
  takenFrom: string | null;
}

/**
 * Takes the lock when it is free: released, ours, or of an execution that ended before it had changed anything, or in order.
 * Throws LockHeld, also for one that ended halfway: until the old relay is back there is nothing to begin with.
 */
export function acquire(
  { owner, stackName }: Caller,
  world: { describeExecution: DescribeExecution; now(): Date },
): Decide<Acquired> {
  return async (item) => {
    if (item !== undefined && !item.released) {
      if (item.owner === owner) {
        return { next: { ...item, held: null, plan: null }, result: { owner, takenFrom: item.takenFrom } };
      }
      const { standing } = await standingOf(world.describeExecution, item.owner);
      const isHalfway = standing === 'in the middle' && item.plan !== null;
      if (standing === 'running' || item.held !== null || isHalfway)
        throw new LockHeld(occupied(item, stackName, standing));
    }
    const takenFrom = item === undefined || item.released ? null : item.owner;
    const since = world.now().toISOString();
    return { next: { owner, since, takenFrom, released: false, held: null, plan: null }, result: { owner, takenFrom } };
  };
}

function occupied({ owner, since, held }: LockItem, stackName: string, standing: Standing): string {
  const whose = `The execution ${owner} has held the lock of the stack ${stackName} since ${since} and`;
  if (standing === 'running') return `${whose} is still running: wait until it has ended, then start again.`;
  if (held !== null) {
    return `${whose} is held for an operator at ${held.state} since ${held.at}: redrive it, or start restore with takeOver to bring the old relay back.`;
  }
  return `${whose} has ended halfway: restore brings the old relay back by itself. Wait for that, or redrive restore if it has failed, then start again.`;
}

/** Keeps what a later take-over has to know. Throws LockHeld when the lock is not ours any more. */
export function recordPlan({ owner, stackName }: Caller, plan: LockItem['plan']): Decide<{ owner: string }> {
  return (item) => {
    assertOurs(item, stackName, owner);
    return { next: { ...item, plan }, result: { owner } };
  };
}

/** Goes on, after a redrive, with a lock that is still ours; nobody waits for an operator then. Throws LockHeld. */
export function reclaim({ owner, stackName }: Caller): Decide<{ owner: string }> {
  return (item) => {
    assertOurs(item, stackName, owner);
    return { next: { ...item, held: null }, result: { owner } };
  };
}

/**
 * Marks the lock as held, so that nobody takes it from an execution that waits. Gives the sentence to fail with, also where
 * there is no lock to mark: the execution may have failed when it asked for it. Throws LockHeld when somebody else has it.
 */
export function hold({ owner, stackName }: Caller, failure: Failure, now: () => Date): Decide<string> {
  const { state, error } = failure;
  const cause = failure.cause.slice(0, CAUSE_CHARACTERS_MAX);
  return (item) => {
    const end = /[.!?]$/.test(cause) ? '' : '.';
    const result = `${state} failed with ${error}: ${cause}${end} The execution is held: remove the cause and redrive it, or start restore with takeOver to bring the old relay back.`;
    if (item === undefined || item.released) return { next: undefined, result };
    assertOurs(item, stackName, owner);
    const isSame = item.held?.state === state && item.held.error === error && item.held.cause === cause;
    const held = isSame ? item.held : { state, error, cause, at: now().toISOString() };
    return { next: { ...item, held }, result };
  };
}

/** The operator has redriven: nobody waits any more. Whether the lock is still ours the next state asks. */
export function resume({ owner }: Caller): Decide<{ resumed: true }> {
  return (item) => ({
    next: item?.owner === owner ? { ...item, held: null } : undefined,
    result: { resumed: true },
  });
}

/** The last thing that an execution does; where somebody else has the lock, nothing is changed. */
export function release({ owner }: Caller): Decide<{ released: boolean }> {
  return (item) => {
    if (item?.owner !== owner) return { next: undefined, result: { released: false } };
    return { next: { ...item, released: true, held: null }, result: { released: true } };
  };
}
