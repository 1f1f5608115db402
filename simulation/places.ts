import type { State, States } from '../statemachine/asl.ts';
import { MACHINE_NAMES, type MachineName } from '../statemachine/machine-names.ts';
import { MACHINES } from '../statemachine/machines.ts';
import type { Settings } from '../statemachine/settings.ts';

/** A state that asks something of the world: where a fault can strike. */
export interface Place {
  machine: MachineName;
  state: string;
  resource: 'function' | 'migrator' | 'ecs';
  /** Of a function: its placeholder, such as `AuthorityFunction`. */
  calls: string;
}

/** Every Task state of every machine, those inside of a Map too, in the order of the machines. */
export function placesOf(settings: Settings): Place[] {
  return MACHINE_NAMES.flatMap((machine) => tasksIn(MACHINES[machine](settings).States, machine));
}

function tasksIn(states: States, machine: MachineName): Place[] {
  return Object.entries(states).flatMap(([name, state]) =>
    state.Type === 'Map' ? tasksIn(state.ItemProcessor.States, machine) : placeOf(machine, name, state),
  );
}

function placeOf(machine: MachineName, name: string, state: State): Place[] {
  if (state.Type !== 'Task') return [];
  const { Resource, Arguments } = state;
  if (Resource.endsWith('runTask.sync')) return [{ machine, state: name, resource: 'migrator', calls: '' }];
  if (Resource.includes(':aws-sdk:')) return [{ machine, state: name, resource: 'ecs', calls: '' }];
  const called = String((Arguments as { FunctionName: string }).FunctionName).replace(/[${}]/g, '');
  return [{ machine, state: name, resource: 'function', calls: called }];
}
