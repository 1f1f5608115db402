import type { Json, State } from '../../statemachine/asl.ts';
import { runChoice } from './choice-state.ts';
import { StateFailure } from './failure.ts';
import { runMap } from './map-state.ts';
import { runFail, runPass, runSucceed, runWait } from './plain-states.ts';
import { moveOn } from './position.ts';
import { runTask } from './task-state.ts';
import { type Branch, type Outcome, record, type Visit } from './visit.ts';

/**
 * Runs a line of states from where its position stands to its end, and returns the output of the last one.
 *
 * @throws StateFailure of the state where the position now stands; the reason of the signal when that was aborted
 */
export async function runBranch(branch: Branch): Promise<Json> {
  const { position, states, signal } = branch;
  for (;;) {
    signal.throwIfAborted();
    const name = position.state;
    const state = states[name];
    if (!state) throw new StateFailure('States.Runtime', `There is no state '${name}'.`);
    const visit = { ...branch, name };
    enter(visit, state);
    const { next, output, assigned } = await runState(state, visit);
    signal.throwIfAborted();
    exit(visit, state, { next, output, assigned });
    if (next === undefined) return output;
    moveOn(position, next, output, { ...position.variables, ...assigned });
  }
}

function runState(state: State, visit: Visit): Promise<Outcome> {
  switch (state.Type) {
    case 'Task':
      return runTask(state, visit);
    case 'Map':
      return runMap(state, visit, runBranch);
    case 'Choice':
      return runChoice(state, visit);
    case 'Pass':
      return runPass(state, visit);
    case 'Wait':
      return runWait(state, visit);
    case 'Succeed':
      return runSucceed(state, visit);
    case 'Fail':
      return runFail(state, visit);
  }
}

/** A redrive goes on inside a state that was entered already; only a Fail state is entered anew, to fail again. */
function enter(visit: Visit, state: State): void {
  const { position } = visit;
  if (position.entered && state.Type !== 'Fail') return;
  const event = record(visit, `${state.Type}StateEntered`, {
    stateEnteredEventDetails: { name: visit.name, input: JSON.stringify(position.input) },
  });
  position.entered = { eventId: event.id as number, time: event.timestamp as Date };
}

function exit(visit: Visit, state: State, { output, assigned }: Outcome): void {
  // A Fail state throws, so it is never left.
  if (state.Type === 'Fail') return;
  const assignedVariables =
    assigned && Object.fromEntries(Object.entries(assigned).map(([name, value]) => [name, JSON.stringify(value)]));
  record(visit, `${state.Type}StateExited`, {
    stateExitedEventDetails: {
      name: visit.name,
      output: JSON.stringify(output),
      ...(assignedVariables && { assignedVariables }),
    },
  });
}
