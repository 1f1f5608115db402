import type { Json, JsonObject, State, StateMachine, States } from '../../statemachine/asl.ts';

/** A state of a machine, or of a Map in it. */
export interface PlacedState {
  /** The way to it: `cutover/VerifyCounts/VerifyTable`. */
  path: string;
  name: string;
  state: State;
}

/** Every state of a machine, those inside its Maps included. */
export function statesOf(machineName: string, machine: StateMachine): PlacedState[] {
  const walk = (path: string, states: States): PlacedState[] =>
    Object.entries(states).flatMap(([name, state]) => [
      { path: `${path}/${name}`, name, state },
      ...(state.Type === 'Map' ? walk(`${path}/${name}`, state.ItemProcessor.States) : []),
    ]);
  return walk(machineName, machine.States);
}

const BEGIN = 'Begin';
const END = 'AfterTheLast';

/**
 * A machine in which one state stands alone: before it a Pass that sets the variables it reads and the input, after it one
 * Pass for each way out, which tells where it stands and what can be seen from there. The state itself is unchanged, but for an
 * end of its line, which leads to such a Pass too.
 */
export function machineAround({ name, state }: PlacedState, variables: JsonObject, input: Json): StateMachine {
  const onward: State = 'End' in state && state.End ? withNext(state) : state;
  const text = JSON.stringify(onward);
  const read = Object.entries(variables).filter(([variable]) => new RegExp(`\\$${variable}\\b`).test(text));
  const visible = new Set([...read.map(([variable]) => variable), ...assignedBy(onward)]);
  const ways = Object.fromEntries(waysOut(onward).map((target) => [target, tell(target, visible)]));
  return {
    Comment: `Only ${name}`,
    QueryLanguage: 'JSONata',
    StartAt: BEGIN,
    TimeoutSeconds: 1_000_000,
    States: {
      [BEGIN]: {
        Type: 'Pass',
        Comment: 'What came before',
        Assign: Object.fromEntries(read),
        Output: input,
        Next: name,
      },
      ...ways,
      // After the ways: a state may lead to itself.
      [name]: onward,
    },
  };
}

/** The same for one field: a machine whose output is the value of an expression. */
export function machineFor(expression: Json, variables: JsonObject): StateMachine {
  return {
    Comment: 'One expression',
    QueryLanguage: 'JSONata',
    StartAt: BEGIN,
    TimeoutSeconds: 60,
    States: {
      [BEGIN]: { Type: 'Pass', Comment: 'What came before', Assign: variables, Next: 'Evaluate' },
      Evaluate: { Type: 'Pass', Comment: 'The expression', Output: expression, End: true },
    },
  };
}

function withNext(state: State): State {
  const { End, ...rest } = state as { End?: true };
  return { ...rest, Next: END } as State;
}

export function waysOut(state: State): string[] {
  const ways: string[] = [];
  if ('Next' in state && state.Next) ways.push(state.Next);
  if (state.Type === 'Choice') ways.push(...state.Choices.map(({ Next }) => Next), state.Default);
  if ('Catch' in state && state.Catch) ways.push(...state.Catch.map(({ Next }) => Next));
  return [...new Set(ways)];
}

function assignedBy(state: State): string[] {
  const assigns: (JsonObject | undefined)[] = ['Assign' in state ? state.Assign : undefined];
  if (state.Type === 'Choice') assigns.push(...state.Choices.map(({ Assign }) => Assign));
  if ('Catch' in state) assigns.push(...(state.Catch ?? []).map(({ Assign }) => Assign));
  return assigns.flatMap((assign) => Object.keys(assign ?? {}));
}

function tell(target: string, visible: Set<string>): State {
  return {
    Type: 'Pass',
    Comment: 'Tell what is seen from here',
    Output: {
      next: target,
      output: '{% $states.input %}',
      // An object leaves out what is not there, where the bare variable would be an error.
      variables: Object.fromEntries([...visible].map((name) => [name, `{% {"is": $${name}} %}`])),
    },
    End: true,
  };
}
