/**
 * The part of the Amazon States Language that the state machines use: JSONata mode only.
 * Source: https://states-language.net/spec.html and the Step Functions developer guide, "Transforming data with JSONata".
 */

/** A JSON value as it travels between states. Strings of the form `{% ... %}` are JSONata expressions. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** Braces around an expression that is written over several lines; asl-validator takes no line breaks between them. */
export function expression(text: string): string {
  return `{% ${text.trim().replace(/\s*\n\s*/g, ' ')} %}`;
}

interface Common {
  /** One sentence for the person who reads the graph in the console. */
  Comment: string;
  Output?: Json;
}

type Onward = { Next: string; End?: never } | { End: true; Next?: never };

/** `IntervalSeconds` and `MaxDelaySeconds` are seconds; `MaxAttempts` counts the retries, not the first try. */
export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds: number;
  MaxAttempts: number;
  BackoffRate: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher {
  ErrorEquals: string[];
  Assign?: JsonObject;
  Output?: Json;
  Next: string;
}

export type TaskState = Common & {
  Type: 'Task';
  Resource: string;
  Arguments: Json;
  /** Never absent: the default of AWS is 99,999,999 seconds. A string is an expression. */
  TimeoutSeconds: number | string;
  HeartbeatSeconds?: number;
  Assign?: JsonObject;
  Retry?: Retrier[];
  Catch?: Catcher[];
} & Onward;

export type PassState = Common & { Type: 'Pass'; Assign?: JsonObject } & Onward;

export type WaitState = Common & { Type: 'Wait'; Seconds: number | string; Assign?: JsonObject } & Onward;

export interface ChoiceRule {
  Condition: string;
  Assign?: JsonObject;
  Output?: Json;
  Next: string;
}

export type ChoiceState = Common & { Type: 'Choice'; Choices: ChoiceRule[]; Assign?: JsonObject; Default: string };

export type MapState = Common & {
  Type: 'Map';
  Items: Json;
  ItemSelector?: Json;
  ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }; StartAt: string; States: States };
  MaxConcurrency: number;
  Assign?: JsonObject;
  Retry?: Retrier[];
  Catch?: Catcher[];
} & Onward;

export type SucceedState = Common & { Type: 'Succeed' };

export interface FailState {
  Type: 'Fail';
  Comment: string;
  Error: string;
  Cause: string;
}

export type State = TaskState | PassState | WaitState | ChoiceState | MapState | SucceedState | FailState;
export type States = { [name: string]: State };

export interface StateMachine {
  Comment: string;
  QueryLanguage: 'JSONata';
  StartAt: string;
  TimeoutSeconds: number;
  States: States;
}
