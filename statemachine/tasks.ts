import {
  type Catcher,
  expression,
  type Json,
  type JsonObject,
  type Retrier,
  type States,
  type TaskState,
} from './asl.ts';
import { FUNCTIONS, type FunctionName, functionPlaceholder } from './functions.ts';

/** Errors that the same call would end with again. */
const FINAL_ERRORS = [
  'Refused',
  'ChangeSetObsolete',
  'StackUpdateFailed',
  'HealthCheckFailed',
  'NotQuiet',
  'MigrationFailed',
  'MigrationInterrupted',
  'LockHeld',
  'HeldForOperator',
  'DeadlineExceeded',
  'States.Timeout',
];

/** Every task of the machines may run twice, so whatever is not final is tried again: throttling, lost answers, cold starts. */
export const RETRY_PASSING_ERRORS: Retrier[] = [
  { ErrorEquals: FINAL_ERRORS, IntervalSeconds: 1, MaxAttempts: 0, BackoffRate: 1 },
  {
    ErrorEquals: ['States.ALL'],
    IntervalSeconds: 2,
    MaxAttempts: 4,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    JitterStrategy: 'FULL',
  },
];

/** A handler that throws NotYet is asked again at a steady pace until `timeoutSeconds` are used up. */
export function pollEvery(intervalSeconds: number, timeoutSeconds: number): Retrier {
  return {
    ErrorEquals: ['NotYet'],
    IntervalSeconds: intervalSeconds,
    MaxAttempts: Math.ceil(timeoutSeconds / intervalSeconds),
    BackoffRate: 1,
  };
}

export interface Step {
  comment: string;
  next: string;
  assign?: JsonObject;
  /** Where an exhausted failure goes; without it the state itself fails, and a redrive repeats it. */
  onFailure?: string;
  poll?: Retrier;
  timeoutSeconds?: number;
}

const CALL_TIMEOUT_SECONDS = 60;

/**
 * Calls a Lambda function; its result is `$states.result.Payload`. A function that signs in to the database is told where it
 * is: the stack of the functions is there before the database is.
 */
export function invoke(name: FunctionName, arguments_: JsonObject, step: Step): TaskState {
  const target = FUNCTIONS[name].network === 'database' ? { target: '{% $plan.target %}' } : {};
  const payload = { ...arguments_, ...target };
  return task('arn:aws:states:::lambda:invoke', { FunctionName: functionPlaceholder(name), Payload: payload }, step);
}

/** Calls an AWS API directly; parameters and results are in PascalCase. */
export function callAws(service: 'ecs', action: string, parameters: JsonObject, step: Step): TaskState {
  return task(`arn:aws:states:::aws-sdk:${service}:${action}`, parameters, step);
}

function task(
  resource: string,
  parameters: Json,
  { comment, next, assign, onFailure, poll, timeoutSeconds }: Step,
): TaskState {
  return {
    Type: 'Task',
    Comment: comment,
    Resource: resource,
    Arguments: parameters,
    TimeoutSeconds: timeoutSeconds ?? CALL_TIMEOUT_SECONDS,
    Retry: poll ? [poll, ...RETRY_PASSING_ERRORS] : RETRY_PASSING_ERRORS,
    ...(assign && { Assign: assign }),
    ...(onFailure && { Catch: catchAll(onFailure) }),
    Next: next,
  };
}

/**
 * Expression for what `$states.errorOutput` says, as a sentence. A Lambda's cause is JSON around the message, an ECS task's
 * is the whole task, and neither has to be there. Step Functions cuts a cause off at 32,768 characters: the message is
 * taken out of the text, since parsing JSON without an end would throw, and nothing catches what a Catch throws.
 */
export const CAUSE = `(
  $cause := $exists($states.errorOutput.Cause) ? $string($states.errorOutput.Cause) : "";
  $said := $substring($cause, 0, 1) = "{"
    ? $match($cause, /"(?:errorMessage|StoppedReason)"[ ]*:[ ]*"([^"\\x5c\\x00-\\x1f]*(?:\\x5c(?:["\\x5c\\x2fbfnrt]|u[0-9a-fA-F]{4})[^"\\x5c\\x00-\\x1f]*)*)/, 1).groups[0];
  $text := $exists($said) ? $parse('"' & $said & '"') : $cause;
  $text = "" ? "no cause was given" : $substring($text, 0, 10000)
)`;

/** What a variable such as `$failure` holds: which state failed, why, and during which redrive. */
export function failure(state: string, error: string, cause: string): JsonObject {
  return { state, error, cause, redriveCount: '{% $states.context.Execution.RedriveCount %}' };
}

/** Remembers in `$failure`, or another variable, which state failed and why, and goes on at `next`. */
export function catchAll(
  next: string,
  { variable = 'failure', errors = ['States.ALL'], assign = {} as JsonObject } = {},
): Catcher[] {
  return [
    {
      ErrorEquals: errors,
      Assign: {
        ...assign,
        [variable]: failure(
          '{% $states.context.State.Name %}',
          '{% $exists($states.errorOutput.Error) ? $states.errorOutput.Error : "Unknown" %}',
          expression(CAUSE),
        ),
      },
      Next: next,
    },
  ];
}

/** The same states, where every task and map that has no Catch of its own gets this one; a halt fails on purpose and gets none. */
export function catching(states: States, catchers: Catcher[]): States {
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => {
      const isBare =
        (state.Type === 'Task' || state.Type === 'Map') && state.Catch === undefined && !/^Hold/.test(name);
      return [name, isBare ? { ...state, Catch: catchers } : state];
    }),
  );
}
