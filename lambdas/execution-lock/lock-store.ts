import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../statemachine/asl.ts';
import { LockHeld } from '../../statemachine/errors.ts';

export interface Failure {
  state: string;
  error: string;
  cause: string;
}

/** One for each relay stack. It is never deleted, so that `version` only ever grows. */
export interface LockItem {
  stackName: string;
  version: number;
  /** ARN of the execution that may change the stack. */
  owner: string;
  /** ISO time from which it has been the owner. */
  since: string;
  /** ARN of the execution that had the lock before and had not released it. */
  takenFrom: string | null;
  /** True when the owner has come to its end in order. */
  released: boolean;
  /** What the owner failed with, while it waits for an operator; `at` is an ISO time. */
  held: (Failure & { at: string }) | null;
  /** What a later `take-over` has to know of the world before the first change; null as long as nothing was changed. */
  plan: Json;
}

/** What every item of the table has: its key, and how often it was written. */
export interface Versioned {
  stackName: string;
  version: number;
}

export interface ItemStore<Item extends Versioned> {
  read(stackName: string): Promise<Item | undefined>;
  /**
   * Writes only if the version that stands there is the previous one, null meaning that there is no item; false when it
   * is another.
   */
  write(item: Item, previousVersion: number | null): Promise<boolean>;
}

export type LockStore = ItemStore<LockItem>;

/** What is to stand in the item, and what is to be answered when it does. The store counts the version. */
export interface Decision<Result, Item extends Versioned = LockItem> {
  next: Omit<Item, keyof Versioned> | undefined;
  result: Result;
}

export type Decide<Result, Item extends Versioned = LockItem> = (
  item: Item | undefined,
) => Decision<Result, Item> | Promise<Decision<Result, Item>>;

/** Each try that fails is somebody else's that succeeded, or a lost answer. */
const TRIES_MAX = 5;

/**
 * Decides by what stands in the item, and brings the decision in by compare-and-set. After a lost race or a lost answer it
 * looks again and decides anew, unless it finds what it wanted to write.
 *
 * @returns the result of the decision that stands
 * @throws Error, to be repeated, when that came to nothing several times, and whatever `decide` throws
 */
export function changeLock<Result>(store: LockStore, stackName: string, decide: Decide<Result>): Promise<Result> {
  return changeItem(store, { stackName, title: `lock of the stack ${stackName}` }, decide);
}

/** The same for any item of the table. */
export async function changeItem<Result, Item extends Versioned>(
  store: ItemStore<Item>,
  { stackName, title }: { stackName: string; title: string },
  decide: Decide<Result, Item>,
): Promise<Result> {
  let tried: { item: Item; result: Result } | undefined;
  let cause: unknown;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const found = await store.read(stackName);
    if (tried !== undefined && isDeepStrictEqual(found, tried.item)) return tried.result;
    const { next, result } = await decide(found);
    if (next === undefined) return result;
    const version = found?.version ?? 0;
    if (isDeepStrictEqual(found, { ...next, stackName, version })) return result;
    tried = { item: { ...next, stackName, version: version + 1 } as Item, result };
    try {
      if (await store.write(tried.item, found?.version ?? null)) return result;
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(
    `The ${title} was not written in ${TRIES_MAX} tries: others wrote it at the same time, or the answers were lost. Repeat.`,
    { cause },
  );
}

/**
 * States that an execution may change the stack.
 *
 * @param item what stands in the store
 * @throws LockHeld when it never had the lock, has released it, or somebody else has taken over
 */
export function assertOurs(item: LockItem | undefined, stackName: string, owner: string): asserts item is LockItem {
  if (item === undefined) {
    throw new LockHeld(
      `No execution has ever locked the stack ${stackName}; expected ${owner}, which changes nothing. Start a new one.`,
    );
  }
  if (item.owner !== owner) {
    throw new LockHeld(
      `The execution ${item.owner} has taken over the stack ${stackName} at ${item.since}; this one, ${owner}, changes nothing more.`,
    );
  }
  if (item.released) {
    throw new LockHeld(
      `The execution ${owner} has ended and released the stack ${stackName}; it changes nothing more. Start a new one.`,
    );
  }
}
