import type { Json } from '../../statemachine/asl.ts';
import { type DescribeExecution, type Standing, standingOf } from './executions.ts';
import type { Decide, Decision, LockItem } from './lock-store.ts';

/** Every key is always there, since an expression of the state machine fails on one that is not. */
export interface TakenOver {
  verdict: 'taken' | 'nothing';
  /** One sentence. */
  reason: string;
  /** ARN of the execution whose lock it was; null with the verdict `nothing`. */
  takenFrom: string | null;
  /** What that execution had recorded; null with the verdict `nothing`. */
  plan: Json;
}

export interface TakeOverWorld {
  describeExecution: DescribeExecution;
  now(): Date;
  pause(seconds: number): Promise<void>;
}

/** DescribeExecution is eventually consistent, and the event of an execution's end may overtake its answer. */
const STALE_ANSWERS_MAX = 5;
const STALE_PAUSE_SECONDS = 2;

/**
 * Takes the lock of an execution that has ended with its work half done, in order to bring the old relay back. An execution
 * that is held for an operator is left alone unless `force` says otherwise, and a running one always.
 *
 * @param from the execution of whose end an event tells; null when a person asks
 */
export function takeOver(
  { stackName, owner, from, force }: { stackName: string; owner: string; from: string | null; force: boolean },
  world: TakeOverWorld,
): Decide<TakenOver> {
  return async (item) => {
    if (item === undefined) {
      return nothing(`No execution has ever locked the stack ${stackName}: there is nothing to bring back.`);
    }
    if (item.released) return nothing(`The execution ${item.owner} ended in order: there is nothing to bring back.`);
    if (item.owner === owner) return taken(item, item.takenFrom ?? owner, item, 'already');
    const { standing, words } = await standingAtLast(item, from, world);
    if (standing === 'running') return nothing(`The execution ${item.owner} is still running: nothing was taken over.`);
    if (standing === 'in order' && item.held === null) {
      const reason = `The execution ${item.owner} ended in order and could not release the lock: there is nothing to bring back.`;
      return { ...nothing(reason), next: { ...item, released: true, held: null } };
    }
    if (item.held !== null && !force) {
      return nothing(
        `The execution ${item.owner} is held for an operator at ${item.held.state}: redrive it, or start restore with takeOver.`,
      );
    }
    if (item.plan === null) {
      const reason = `The execution ${item.owner} ended before it had changed anything: its lock was released.`;
      return { ...nothing(reason), next: { ...item, released: true, held: null } };
    }
    const since = world.now().toISOString();
    return taken(item, item.owner, { ...item, owner, since, takenFrom: item.owner, held: null }, `as ${words}`);
  };
}

function nothing(reason: string): Decision<TakenOver> {
  return { next: undefined, result: { verdict: 'nothing', reason, takenFrom: null, plan: null } };
}

function taken({ plan }: LockItem, takenFrom: string, next: LockItem, how: string): Decision<TakenOver> {
  const reason = `The execution ${takenFrom} ended ${how}, with its work half done.`;
  return { next, result: { verdict: 'taken', reason, takenFrom, plan } };
}

/** Asks again where an event says that the execution has ended. If it still runs then, it was redriven meanwhile. */
async function standingAtLast(
  { owner, held }: LockItem,
  from: string | null,
  { describeExecution, pause }: TakeOverWorld,
): Promise<{ standing: Standing; words: string }> {
  const answersMax = owner === from && held === null ? STALE_ANSWERS_MAX : 1;
  for (let answers = 1; ; answers += 1) {
    const found = await standingOf(describeExecution, owner);
    if (found.standing !== 'running' || answers === answersMax) return found;
    await pause(STALE_PAUSE_SECONDS);
  }
}
