import type { Json, JsonObject } from '../../statemachine/asl.ts';
import type { Clock } from '../clock.ts';

/** One try of a Task state. */
export interface TaskCall {
  /** The ARN of the state, e.g. `arn:aws:states:::ecs:runTask.sync`. */
  resource: string;
  arguments: Json;
  /** `$states.context` of the call. */
  context: JsonObject;
  /** Aborted when the task times out, when the execution ends, and when another iteration of its Map fails. */
  signal: AbortSignal;
  clock: Clock;
  /** Records TaskSubmitted: what the service answered before the wait of a `.sync` task begins. */
  submitted(output: Json): void;
}

/** Does the work of a task. A TaskFailure names the error; any other error goes by its own name and message. */
export type Integration = (call: TaskCall) => Promise<Json>;
