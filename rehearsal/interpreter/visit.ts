import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { Json, JsonObject, States } from '../../statemachine/asl.ts';
import type { Clock } from '../clock.ts';
import { EvaluationFailure, evaluateField, evaluateTyped, type Scope } from './evaluate.ts';
import { StateFailure } from './failure.ts';
import type { EventDetails, History } from './history.ts';
import type { Integration } from './integration.ts';
import { toPayload } from './payload-limit.ts';
import type { Position } from './position.ts';
import type { TaskTokens } from './task-tokens.ts';

/** What all states of a run share; a redrive is a new run. */
export interface Run {
  clock: Clock;
  history: History;
  integration: Integration;
  random: () => number;
  taskTokens: TaskTokens;
  region: string;
  /** `Execution` and `StateMachine` of the context object. */
  context: JsonObject;
}

/** A line of states: the machine itself or one iteration of a Map. */
export interface Branch {
  run: Run;
  states: States;
  position: Position;
  /** Aborted with the reason why this line must end. */
  signal: AbortSignal;
  /** `Map` of the context object, inside an iteration. */
  map?: JsonObject;
}

/** A state while it is being run. */
export interface Visit extends Branch {
  name: string;
  /** Counted only where a Retry can stand: in Task and Map. */
  retryCount?: number;
  /** Of the present try of a task that is ended from outside. */
  taskToken?: string;
}

/** Where a state leads. Without `next` its line has ended. */
export interface Outcome {
  next: string | undefined;
  output: Json;
  /** The new values of the variables that the state assigns. */
  assigned: JsonObject | undefined;
}

/** `$states` besides `input` and `context`. */
export type StatesExtra = { result?: Json; errorOutput?: Json };

/** The context object, `$states.context` (developer guide, "Accessing execution data from the Context object"). */
export function contextOf(visit: Visit): JsonObject {
  return {
    ...visit.run.context,
    State: {
      Name: visit.name,
      EnteredTime: (visit.position.entered?.time ?? visit.run.clock.now()).toISOString(),
      ...(visit.retryCount !== undefined && { RetryCount: visit.retryCount }),
    },
    ...(visit.taskToken !== undefined && { Task: { Token: visit.taskToken } }),
    ...(visit.map && { Map: visit.map }),
  };
}

/** Records an event in this line's order. */
export function record(visit: Branch, type: HistoryEventType, details?: EventDetails): HistoryEvent {
  const event = visit.run.history.record(type, visit.position.lastEventId, details);
  visit.position.lastEventId = event.id as number;
  return event;
}

/** Evaluates a field of the state. @throws StateFailure `States.QueryEvaluationError`, after it was recorded */
export function evaluate(visit: Visit, template: Json, location: string, extra?: StatesExtra): Promise<Json> {
  return reporting(visit, evaluateField(template, location, scopeOf(visit, extra)));
}

/** Evaluates a field that has to be of one type. @throws StateFailure as `evaluate` does */
export function evaluateAs<T extends Json>(
  visit: Visit,
  template: Json,
  location: string,
  expected: Parameters<typeof evaluateTyped<T>>[3],
): Promise<T> {
  return reporting(visit, evaluateTyped(template, location, scopeOf(visit), expected));
}

/**
 * Evaluates Assign and Output where a state is left; both see the variables as they were before.
 *
 * @param place empty for the fields of the state itself, else e.g. `Catch[0]/`
 * @param otherwise the output where no Output is given
 */
export async function leave(
  visit: Visit,
  fields: { Assign?: JsonObject; Output?: Json },
  place: string,
  extra: StatesExtra,
  otherwise: Json,
): Promise<Omit<Outcome, 'next'>> {
  const assigned = fields.Assign && ((await evaluate(visit, fields.Assign, `${place}Assign`, extra)) as JsonObject);
  const output =
    fields.Output === undefined ? otherwise : await evaluate(visit, fields.Output, `${place}Output`, extra);
  if (assigned) toPayload(assigned, `What the state '${visit.name}' assigns`);
  toPayload(output, `The output of the state '${visit.name}'`);
  return { output, assigned };
}

function scopeOf(visit: Visit, extra?: StatesExtra): Scope {
  const { clock, random } = visit.run;
  return {
    // Most fields hold no expression, and nobody looks at it.
    get states() {
      return { input: visit.position.input, context: contextOf(visit), ...extra };
    },
    variables: visit.position.variables,
    now: clock.now(),
    random,
  };
}

async function reporting<T>(visit: Visit, evaluation: Promise<T>): Promise<T> {
  try {
    return await evaluation;
  } catch (thrown) {
    if (!(thrown instanceof EvaluationFailure)) throw thrown;
    const error = 'States.QueryEvaluationError';
    record(visit, 'EvaluationFailed', {
      evaluationFailedEventDetails: { error, cause: thrown.message, location: thrown.location, state: visit.name },
    });
    const entered = `entered at the event id #${visit.position.entered?.eventId}`;
    throw new StateFailure(
      error,
      `An error occurred while executing the state '${visit.name}' (${entered}). ${thrown.message}`,
    );
  }
}
