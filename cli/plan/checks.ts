import type { Parts } from '../../lambdas/preflight/parts.ts';
import type { Check } from '../../lambdas/preflight/relay-checks.ts';
import { Refused } from '../../statemachine/errors.ts';
import { awsFailure, isDenied } from '../aws-failure.ts';
import type { ClientConfiguration } from '../cloud.ts';

/** What has become of one check. `unknown`: it could not be made, which is not passed. */
export interface CheckResult {
  title: string;
  status: 'passed' | 'failed' | 'unknown';
  /** What is wrong and what to do about it, or why it could not be made; null when it passed. */
  says: string | null;
}

/** Thrown where a check looks at a part of the world that could not be read. */
class Unseen extends Error {}

/**
 * Makes all checks, also where some parts of the world could not be read: a check that looks at such a part is unknown.
 *
 * @throws what AWS says when it cannot be asked at all; a missing permission, and what is not there, are results
 */
export async function makeChecks<World extends object>(
  checks: Check<World>[],
  parts: Parts<World>,
  client: ClientConfiguration,
): Promise<CheckResult[]> {
  const { world, absent } = await seenOf(parts, client);
  return [
    ...absent.map((says): CheckResult => ({ title: 'what the checks look at is there', status: 'failed', says })),
    ...checks.map((check) => made(check, world)),
  ];
}

function made<World>(check: Check<World>, world: World): CheckResult {
  const { title } = check;
  try {
    const says = check.finding(world) ?? null;
    return { title, status: says === null ? 'passed' : 'failed', says };
  } catch (error) {
    if (!(error instanceof Unseen)) throw error;
    return { title, status: 'unknown', says: error.message };
  }
}

/** Reads all parts, and makes a world of them in which the others throw when they are looked at. */
async function seenOf<World extends object>(
  parts: Parts<World>,
  client: ClientConfiguration,
): Promise<{ world: World; absent: string[] }> {
  const names = Object.keys(parts) as (keyof World)[];
  const answers = await Promise.allSettled(names.map((name) => parts[name]()));
  const absent = new Set<string>();
  const world = {} as World;
  for (const [index, answer] of answers.entries()) {
    let unseen: Unseen | undefined;
    if (answer.status === 'rejected') {
      unseen = unseenFor(answer.reason, client);
      if (answer.reason instanceof Refused) {
        absent.add(answer.reason.message);
        // Said once, not by every check that would have looked at it.
        unseen = new Unseen('What it looks at is not there, as said above.');
      }
    }
    Object.defineProperty(world, names[index] as string, {
      enumerable: true,
      get() {
        if (answer.status === 'fulfilled') return answer.value;
        throw unseen;
      },
    });
  }
  return { world, absent: [...absent] };
}

function unseenFor(error: Error, client: ClientConfiguration): Unseen {
  if (isDenied(error)) return new Unseen(awsFailure(error, client).message, { cause: error });
  if (error instanceof Refused) return new Unseen(error.message, { cause: error });
  throw awsFailure(error, client);
}

/** What could be read, or why not. */
export type Known<T> = { value: T } | { unknown: string };

/**
 * Reads one thing that a plan can do without.
 *
 * @throws as `makeChecks`
 */
export async function known<T>(read: () => Promise<T>, client: ClientConfiguration): Promise<Known<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { unknown: unseenFor(error as Error, client).message };
  }
}
