import type { Json, JsonObject } from '../../statemachine/asl.ts';

/**
 * Where a line of states stands: all that a redrive needs to go on there. A state that succeeds moves it on, one that fails
 * or is stopped leaves it as it is.
 */
export interface Position {
  state: string;
  input: Json;
  variables: JsonObject;
  /** When the state was entered; null before that. A redrive goes on in a state that was entered already. */
  entered: { eventId: number; time: Date } | null;
  /** What a Map state has done so far; null in other states and before its items are known. */
  iterations: Iteration[] | null;
  /** The newest event of this line. */
  lastEventId: number;
}

/** One item of a Map, a line of states of its own. */
export interface Iteration {
  index: number;
  item: Json;
  status: 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  position: Position;
  /** Of a succeeded iteration. */
  output: Json;
}

/** The line's first state, not entered yet. */
export function startOf(state: string, input: Json, variables: JsonObject, lastEventId: number): Position {
  return { state, input, variables, entered: null, iterations: null, lastEventId };
}

/** Moves on to the next state. */
export function moveOn(position: Position, state: string, input: Json, variables: JsonObject): void {
  Object.assign(position, startOf(state, input, variables, position.lastEventId));
}
