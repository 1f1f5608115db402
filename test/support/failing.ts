import type { Fault } from '../../rehearsal/faults.ts';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';

export interface FailingState extends Fault {
  repair(): void;
}

/** Fails every call of a state for good, until it is repaired; `after`: the call is made, and its answer lost. */
export function failing(
  state: string,
  when: 'instead' | 'after' = 'instead',
  machine: Fault['machine'] = 'cutover',
): FailingState {
  let broken = true;
  return {
    name: `${state} fails`,
    title: `every call of ${state} fails`,
    ...{ state, when, machine },
    harm() {
      if (broken) throw new TaskFailure('Refused', JSON.stringify({ errorMessage: 'refused on purpose' }));
    },
    repair() {
      broken = false;
    },
    outcome: 'RolledBack',
  };
}
