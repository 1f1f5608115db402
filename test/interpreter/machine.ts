import { createClock } from '../../rehearsal/clock.ts';
import {
  type Execution,
  type ExecutionOptions,
  type ExecutionResult,
  type HistoryEvent,
  type Integration,
  startExecution,
} from '../../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject, MapState, State, StateMachine, States, TaskState } from '../../statemachine/asl.ts';

/** The state without the Comment that the tests have no use for. */
type Bare<T> = T extends unknown ? Omit<T, 'Comment'> : never;
export type BareStates = { [name: string]: Bare<State> };

export const STATE_MACHINE_ARN = 'arn:aws:states:me-central-1:123456789012:stateMachine:cutover';

export function withComments(states: BareStates): States {
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => [name, { Comment: name, ...state } as State]),
  );
}

/** A state machine of these states, which starts with the first of them. */
export function machineOf(states: BareStates, timeoutSeconds = 3600): StateMachine {
  const [StartAt = ''] = Object.keys(states);
  return {
    Comment: 'test',
    QueryLanguage: 'JSONata',
    StartAt,
    TimeoutSeconds: timeoutSeconds,
    States: withComments(states),
  };
}

export function task(fields: Partial<Bare<TaskState>> = {}): Bare<TaskState> {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: {},
    TimeoutSeconds: 60,
    ...(fields.Next ? {} : { End: true }),
    ...fields,
  } as Bare<TaskState>;
}

export function map(items: Json, states: BareStates, fields: Partial<Bare<MapState>> = {}): Bare<MapState> {
  return {
    Type: 'Map',
    Items: items,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: Object.keys(states)[0] ?? '',
      States: withComments(states),
    },
    MaxConcurrency: 0,
    ...(fields.Next ? {} : { End: true }),
    ...fields,
  } as Bare<MapState>;
}

/** Starts a machine of these states under a clock that skips every wait. */
export function start(
  states: BareStates,
  options: Partial<ExecutionOptions> & { timeoutSeconds?: number } = {},
): Execution {
  const { timeoutSeconds, ...rest } = options;
  return startExecution({
    machine: machineOf(states, timeoutSeconds),
    stateMachineArn: STATE_MACHINE_ARN,
    name: 'test-1',
    input: {},
    integration: answering({}),
    clock: createClock({ speed: Number.POSITIVE_INFINITY }),
    ...rest,
  });
}

export async function resultOf(
  states: BareStates,
  options: Parameters<typeof start>[1] = {},
): Promise<ExecutionResult> {
  return await start(states, options).done;
}

/** The output of a Pass state with this Output. */
export async function outputOf(output: Json, input: Json = {}): Promise<Json | undefined> {
  const result = await resultOf({ Only: { Type: 'Pass', Output: output, End: true } }, { input });
  if (result.status !== 'SUCCEEDED') throw new Error(`${result.error}: ${result.cause}`);
  return result.output;
}

export const answering =
  (answer: Json): Integration =>
  async () =>
    answer;

/** An integration that gives one answer after another; an error is thrown. It remembers the arguments of its calls. */
export function script(...answers: (Json | Error)[]): Integration & { calls: JsonObject[] } {
  const calls: JsonObject[] = [];
  const integration: Integration = async (call) => {
    calls.push(call.arguments as JsonObject);
    const answer = answers[calls.length - 1];
    if (answer === undefined) throw new Error(`There is no answer for call ${calls.length}.`);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return Object.assign(integration, { calls });
}

/** A promise and the function that fulfills it. */
export function signalled(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((fulfill) => {
    resolve = fulfill;
  });
  return { promise, resolve };
}

export const typesOf = (events: HistoryEvent[]) => events.map(({ type }) => type);

/** The events without their times, for whole comparisons. */
export const withoutTimes = (events: HistoryEvent[]) => events.map(({ timestamp: _, ...event }) => event);
