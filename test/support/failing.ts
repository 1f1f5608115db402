import type { Fault } from '../../rehearsal/faults.ts';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';

export interface FailingState extends Fault {
  repair(): void;
  /** Breaks it again. */
  arm(): void;
  /** Whether it has failed a call and was not repaired since. */
  readonly hasHarmed: boolean;
}

/** Fails every call of a state for good, until it is repaired; `after`: the call is made, and its answer lost. */
export function failing(
  state: string,
  when: 'instead' | 'after' = 'instead',
  machine: Fault['machine'] = 'cutover',
): FailingState {
  let broken = true;
  let harmed = false;
  return {
    name: `${state} fails`,
    title: `every call of ${state} fails`,
    ...{ state, when, machine },
    get hasHarmed() {
      return harmed;
    },
    harm() {
      harmed = broken;
      if (broken) throw new TaskFailure('Refused', JSON.stringify({ errorMessage: 'refused on purpose' }));
    },
    repair() {
      broken = false;
      harmed = false;
    },
    arm() {
      broken = true;
    },
    outcome: 'RolledBack',
  };
}

/** The same for many states, of which each halt repairs only those that have led to it: each fails in its turn. */
export function failingInTurn(states: string[], machine: Fault['machine'], halted: string[]): Fault[] {
  return states.map((state) => {
    const fault = failing(state, 'instead', machine);
    return {
      ...fault,
      repair() {
        if (!fault.hasHarmed) return;
        halted.push(state);
        fault.repair();
      },
    };
  });
}
