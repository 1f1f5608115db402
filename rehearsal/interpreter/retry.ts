import type { Catcher, MapState, Retrier, TaskState } from '../../statemachine/asl.ts';
import { StateFailure } from './failure.ts';
import { leave, type Outcome, type Visit } from './visit.ts';

/** Errors that a wildcard does not match. `States.Runtime` is not matched by its name either: it always ends the execution. */
const TERMINAL_ERRORS = ['States.Runtime', 'States.DataLimitExceeded'];

/** Whether a Retry or a Catch is meant for this error. Source: developer guide, "Handling errors in workflows". */
export function matches(errorEquals: string[], error: string): boolean {
  if (error === 'States.Runtime') return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (TERMINAL_ERRORS.includes(error)) return false;
    return name === 'States.ALL' || (name === 'States.TaskFailed' && error !== 'States.Timeout');
  });
}

/**
 * The seconds to wait before the next try.
 *
 * @param retriesSoFar how often this retrier was used before
 * @param random a number from 0 to below 1, for full jitter
 */
export function delaySeconds(retrier: Retrier, retriesSoFar: number, random: () => number): number {
  const backedOff = retrier.IntervalSeconds * retrier.BackoffRate ** retriesSoFar;
  const delay = Math.min(backedOff, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return retrier.JitterStrategy === 'FULL' ? delay * random() : delay;
}

/**
 * Runs a Task or Map state as often as its Retry allows, then asks its Catch.
 *
 * Each retrier counts for itself. The first that matches decides: when its attempts are used up, no later one is asked.
 *
 * @throws StateFailure the last one, when no Catch matches; the failure of the Catch's own expressions
 */
export async function withRetryAndCatch(
  state: TaskState | MapState,
  visit: Visit,
  attempt: () => Promise<Outcome>,
): Promise<Outcome> {
  const used = new Map<Retrier, number>();
  visit.retryCount = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      visit.signal.throwIfAborted();
      if (!(thrown instanceof StateFailure)) throw thrown;
      const retrier = state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, thrown.error));
      const retries = retrier ? (used.get(retrier) ?? 0) : 0;
      if (!retrier || retries >= retrier.MaxAttempts) return await caught(state.Catch ?? [], visit, thrown);
      used.set(retrier, retries + 1);
      visit.retryCount += 1;
      await visit.run.clock.sleep(delaySeconds(retrier, retries, visit.run.random), visit.signal);
    }
  }
}

async function caught(catchers: Catcher[], visit: Visit, failure: StateFailure): Promise<Outcome> {
  const index = catchers.findIndex(({ ErrorEquals }) => matches(ErrorEquals, failure.error));
  const catcher = catchers[index];
  if (!catcher) throw failure;
  const errorOutput = { Error: failure.error, ...(failure.cause !== undefined && { Cause: failure.cause }) };
  const left = await leave(visit, catcher, `Catch[${index}]/`, { errorOutput }, errorOutput);
  return { ...left, next: catcher.Next };
}
