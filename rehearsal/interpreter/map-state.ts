import type { Json, JsonObject, MapState } from '../../statemachine/asl.ts';
import { ARRAY } from './evaluate.ts';
import { abortingWith, StateFailure } from './failure.ts';
import { toPayload } from './payload-limit.ts';
import { type Iteration, startOf } from './position.ts';
import { withRetryAndCatch } from './retry.ts';
import { type Branch, evaluate, evaluateAs, leave, type Outcome, record, type Visit } from './visit.ts';

/** AWS runs no more iterations of an inline Map at a time, also where MaxConcurrency is 0 for no limit. */
const ITERATIONS_AT_A_TIME_MAX = 40;

type RunBranch = (branch: Branch) => Promise<Json>;

/**
 * Runs an inline Map: one line of states an item, the outputs in the items' order. The first iteration that fails fails the
 * Map and stops the others. A redrive goes on in those that did not succeed; a Retry begins again with all.
 */
export function runMap(state: MapState, visit: Visit, runBranch: RunBranch): Promise<Outcome> {
  return withRetryAndCatch(state, visit, async () => {
    if (visit.retryCount) visit.position.iterations = null;
    visit.position.iterations ??= await planIterations(state, visit);
    try {
      const result = await runIterations(state, visit, visit.position.iterations, runBranch);
      toPayload(result, `The result of the state '${visit.name}'`);
      record(visit, 'MapStateSucceeded');
      return { ...(await leave(visit, state, '', { result }, result)), next: state.Next };
    } catch (thrown) {
      // AWS: after this error a redrive reruns the whole Map, since its results are what did not fit.
      if (thrown instanceof StateFailure && thrown.error === 'States.DataLimitExceeded')
        visit.position.iterations = null;
      throw thrown;
    }
  });
}

async function planIterations(state: MapState, visit: Visit): Promise<Iteration[]> {
  const items = await evaluateAs(visit, state.Items, 'Items', ARRAY);
  const iterations: Iteration[] = [];
  for (const [index, item] of items.entries()) {
    const selecting = { ...visit, map: mapContext(index, item) };
    const input =
      state.ItemSelector === undefined ? item : await evaluate(selecting, state.ItemSelector, 'ItemSelector');
    const position = startOf(state.ItemProcessor.StartAt, input, visit.position.variables, 0);
    iterations.push({ index, item, status: 'PENDING', position, output: null });
  }
  record(visit, 'MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  return iterations;
}

function mapContext(index: number, item: Json): JsonObject {
  return { Item: { Index: index, Value: item } };
}

async function runIterations(
  state: MapState,
  visit: Visit,
  iterations: Iteration[],
  runBranch: RunBranch,
): Promise<Json[]> {
  const { controller, letGo } = abortingWith(visit.signal);
  const { signal } = controller;
  const { States: states } = state.ItemProcessor;
  const startedAfter = visit.position.lastEventId;
  const waiting = iterations.filter(({ status }) => status !== 'SUCCEEDED');

  const runOne = async (iteration: Iteration) => {
    const { position, index } = iteration;
    const details = { name: visit.name, index };
    const branch = { run: visit.run, states, position, signal, map: mapContext(index, iteration.item) };
    try {
      iteration.status = 'RUNNING';
      position.lastEventId = startedAfter;
      record(branch, 'MapIterationStarted', { mapIterationStartedEventDetails: details });
      iteration.output = await runBranch(branch);
      record(branch, 'MapIterationSucceeded', { mapIterationSucceededEventDetails: details });
      iteration.status = 'SUCCEEDED';
      visit.position.lastEventId = position.lastEventId;
    } catch (thrown) {
      iteration.status = signal.aborted ? 'ABORTED' : 'FAILED';
      if (signal.aborted) return;
      controller.abort(thrown);
      visit.position.lastEventId = position.lastEventId;
      visit.run.history.record('MapIterationFailed', position.lastEventId, { mapIterationFailedEventDetails: details });
    }
  };

  const worker = async () => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) await runOne(next);
  };
  const workers = Math.min(state.MaxConcurrency || ITERATIONS_AT_A_TIME_MAX, ITERATIONS_AT_A_TIME_MAX);
  await Promise.all(Array.from({ length: workers }, worker));

  letGo();

  visit.signal.throwIfAborted();
  if (signal.aborted) {
    recordFailure(state, visit, iterations);
    throw signal.reason;
  }
  return iterations.map(({ output }) => output);
}

function recordFailure(state: MapState, visit: Visit, iterations: Iteration[]): void {
  const { history } = visit.run;
  for (const { index, position } of iterations.filter(({ status }) => status === 'ABORTED')) {
    const type = state.ItemProcessor.States[position.state]?.Type;
    if (position.entered && (type === 'Task' || type === 'Wait' || type === 'Map')) {
      history.record(`${type}StateAborted`, visit.position.lastEventId);
    }
    history.record('MapIterationAborted', visit.position.lastEventId, {
      mapIterationAbortedEventDetails: { name: visit.name, index },
    });
  }
  record(visit, 'MapStateFailed');
}
