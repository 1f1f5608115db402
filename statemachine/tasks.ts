import type { Catcher, Json, JsonObject, Retrier, TaskState } from './asl.ts';
import { type FunctionName, functionPlaceholder } from './functions.ts';

/** Errors that the same call would end with again. */
const FINAL_ERRORS = [
  'Refused',
  'ChangeSetObsolete',
  'StackUpdateFailed',
  'HealthCheckFailed',
  'NotQuiet',
  'MigrationFailed',
  'States.Timeout',
];

/** Every task of the machines may run twice, so whatever is not final is tried again: throttling, lost answers, cold starts. */
const RETRY_PASSING_ERRORS: Retrier[] = [
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

interface Step {
  comment: string;
  next: string;
  assign?: JsonObject;
  /** Where an exhausted failure goes; without it the state itself fails, and a redrive repeats it. */
  onFailure?: string;
  poll?: Retrier;
  timeoutSeconds?: number;
}

const CALL_TIMEOUT_SECONDS = 60;

/** Calls a Lambda function; its result is `$states.result.Payload`. */
export function invoke(name: FunctionName, payload: JsonObject, step: Step): TaskState {
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

/** Remembers in `$failure` which state failed and why, and goes on at `next`. */
export function catchAll(next: string): Catcher[] {
  return [
    {
      ErrorEquals: ['States.ALL'],
      Assign: {
        failure: {
          state: '{% $states.context.State.Name %}',
          error: '{% $exists($states.errorOutput.Error) ? $states.errorOutput.Error : "Unknown" %}',
          cause: CAUSE_SENTENCE,
        },
      },
      Next: next,
    },
  ];
}

/** A Lambda's cause is JSON around the message, an ECS task's is the whole task; neither has to be there. */
const CAUSE_SENTENCE = `{% (
  $cause := $exists($states.errorOutput.Cause) ? $string($states.errorOutput.Cause) : "";
  $isLambda := $contains($cause, '"errorMessage"') and $substring($cause, 0, 1) = "{";
  $isTask := $contains($cause, '"StoppedReason"') and $substring($cause, 0, 1) = "{";
  $isLambda ? $string($parse($cause).errorMessage)
  : $isTask ? $string($parse($cause).StoppedReason)
  : $cause = "" ? "no cause was given" : $cause
) %}`;
