import type { TaskFailure } from '../rehearsal/interpreter/execution.ts';
import type { TaskFate, UpdateFate } from './cloud.ts';
import type { Disturbance } from './invocation.ts';
import type { Place } from './places.ts';

/** One thing that goes wrong in a run; the list of them is all that a run differs by from one in which all goes well. */
export interface Fault {
  kind: string;
  machine: Place['machine'];
  state: string;
  /** Which call of that state it strikes, counted from 1 over the whole run, repetitions included. */
  visit: number;
  /** From 0 to below 1: when, how long, how many, whatever the kind makes of it. */
  amount: number;
}

/** What somebody does to the world while it is at work; `run.ts` knows how. */
export type Act =
  | 'scales up by hand'
  | 'scales down by hand'
  | 'starts a task by hand'
  | 'deploys the stack by hand'
  | 'aborts the execution'
  | 'starts a second cutover'
  | 'starts a rollback'
  | 'starts restore with takeOver';

/** What is to become of a call, as faults make it. */
export interface Strike {
  /** Fails the call before anything is done. */
  fails?: TaskFailure;
  /** So many further calls of the state are struck alike. */
  failsAgain?: number;
  /** It waits for a call that it can strike: not each has an answer to lose, or asks what was asked before. */
  waits?: true;
  /** Fails it after all is done. */
  losesAnswer?: TaskFailure;
  /** The function is invoked once more, so many seconds later, and only that answer arrives. */
  againAfterSeconds?: number;
  disturbance?: Omit<Disturbance, 'struck'>;
  /** How long each call that the function makes takes. */
  latencySeconds?: number;
  isStale?: true;
  task?: Omit<TaskFate, 'struck'>;
  update?: UpdateFate['how'];
  /** So many relays on PostgreSQL end right after their start. */
  crashes?: number;
  /** The relay on PostgreSQL gives no events. */
  isMute?: true;
  databaseRestartsSeconds?: number;
  /** A row of the target becomes another one. */
  altersRow?: true;
  /** How long a relay takes to end from now on. */
  stopSeconds?: number;
  act?: { what: Act; afterSeconds: number };
  answers?: 'reject' | 'late' | 'twice' | 'never';
}

export interface FaultKind {
  name: string;
  /** What goes wrong, as a sentence. */
  title: string;
  applies(place: Place): boolean;
  strike(amount: number): Strike;
  /** It passes by itself: with nothing else a machine comes to its good end. */
  passes?: true;
  /** How often it is drawn, as against the others. */
  weight: number;
}

/** `cutover.ScaleDown.2: answer lost`. */
export function nameOf({ machine, state, visit, kind }: Fault): string {
  return `${machine}.${state}.${visit}: ${kind}`;
}
