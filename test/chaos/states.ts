import { FUNCTIONS, type FunctionName, functionPlaceholder } from '../../statemachine/functions.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { MACHINES } from '../../statemachine/machines.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates } from '../statemachine/graph.ts';

export interface ChaosState {
  machine: MachineName;
  name: string;
  /** It calls something; the others take no time, and nothing can be killed in the middle of them. */
  isTask: boolean;
  runsMigrator: boolean;
  /** Its function signs in to PostgreSQL. */
  asksDatabase: boolean;
}

/** A migrator can only be killed where one runs; a database while any task is called. */
export function isApplicable(victim: 'database' | 'migrator', { isTask, runsMigrator }: ChaosState): boolean {
  return victim === 'migrator' ? runsMigrator : isTask;
}

const DATABASE_FUNCTIONS = (Object.keys(FUNCTIONS) as FunctionName[])
  .filter((name) => FUNCTIONS[name].network === 'database')
  .map(functionPlaceholder);

/** Every state of every machine, those inside a Map too. */
export function chaosStates(): ChaosState[] {
  const settings = parseSettings();
  return (Object.keys(MACHINES) as MachineName[]).flatMap((machine) =>
    allStates(MACHINES[machine](settings).States).map(({ name, state }) => {
      const isTask = state.Type === 'Task';
      const arguments_ = isTask ? JSON.stringify(state.Arguments) : '';
      return {
        ...{ machine, name, isTask },
        runsMigrator: isTask && state.Resource.endsWith(':ecs:runTask.sync'),
        asksDatabase: DATABASE_FUNCTIONS.some((placeholder) => arguments_.includes(JSON.stringify(placeholder))),
      };
    }),
  );
}
