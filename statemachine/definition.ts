import type { StateMachine } from './asl.ts';
import { FUNCTIONS, type FunctionName, functionPlaceholder } from './functions.ts';

/** Puts an ARN in the place of every function's placeholder, as CloudFormation's definition substitutions do. */
export function withFunctions(machine: StateMachine, arnOf: (name: FunctionName) => string): StateMachine {
  let text = JSON.stringify(machine);
  for (const name of Object.keys(FUNCTIONS) as FunctionName[])
    text = text.replaceAll(functionPlaceholder(name), () => arnOf(name));
  return JSON.parse(text);
}
