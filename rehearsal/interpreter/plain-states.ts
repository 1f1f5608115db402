import type { FailState, PassState, SucceedState, WaitState } from '../../statemachine/asl.ts';
import { SECONDS, STRING } from './evaluate.ts';
import { StateFailure } from './failure.ts';
import { evaluateAs, leave, type Outcome, type Visit } from './visit.ts';

/** Hands its input on, or what its Output says. */
export async function runPass(state: PassState, visit: Visit): Promise<Outcome> {
  return { ...(await leave(visit, state, '', {}, visit.position.input)), next: state.Next };
}

/** Ends its line with its input, or what its Output says. */
export async function runSucceed(state: SucceedState, visit: Visit): Promise<Outcome> {
  return { ...(await leave(visit, state, '', {}, visit.position.input)), next: undefined };
}

/** Waits in clock time. A redrive waits from the beginning. */
export async function runWait(state: WaitState, visit: Visit): Promise<Outcome> {
  const seconds = await evaluateAs(visit, state.Seconds, 'Seconds', SECONDS);
  await visit.run.clock.sleep(seconds, visit.signal);
  return { ...(await leave(visit, state, '', {}, visit.position.input)), next: state.Next };
}

/** Fails with the error and cause that it names. @throws StateFailure always */
export async function runFail(state: FailState, visit: Visit): Promise<never> {
  const error = await evaluateAs(visit, state.Error, 'Error', STRING);
  throw new StateFailure(error, await evaluateAs(visit, state.Cause, 'Cause', STRING));
}
