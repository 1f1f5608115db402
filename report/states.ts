import { jsonObject } from './json-object.ts';
import type { StateRecord } from './run-record.ts';

/** The part of a history event (API: GetExecutionHistory) that is looked at here. */
export interface HistoryEventLike {
  id?: number | undefined;
  previousEventId?: number | undefined;
  timestamp?: Date | undefined;
  type?: string | undefined;
  stateEnteredEventDetails?: { name?: string | undefined; input?: string | undefined } | undefined;
  stateExitedEventDetails?:
    | {
        name?: string | undefined;
        output?: string | undefined;
        /** JSON texts by name. */
        assignedVariables?: Record<string, string> | undefined;
      }
    | undefined;
  taskScheduledEventDetails?: { parameters?: string | undefined } | undefined;
  taskFailedEventDetails?: { error?: string | undefined } | undefined;
  taskTimedOutEventDetails?: { error?: string | undefined } | undefined;
  evaluationFailedEventDetails?: { error?: string | undefined } | undefined;
  mapStateStartedEventDetails?: { length?: number | undefined } | undefined;
  mapIterationStartedEventDetails?: { name?: string | undefined; index?: number | undefined } | undefined;
  executionRedrivenEventDetails?: { redriveCount?: number | undefined } | undefined;
  executionFailedEventDetails?: { error?: string | undefined } | undefined;
  executionAbortedEventDetails?: { error?: string | undefined } | undefined;
  executionTimedOutEventDetails?: { error?: string | undefined } | undefined;
}

/** One stay in a state, from its entry on. */
export interface Visit {
  record: StateRecord;
  /** In an iteration of a Map over tables: the table that the state's input names. */
  table: string | null;
  /** A try has failed and the next one has not begun: the state waits, or is about to fail. */
  betweenTries: boolean;
  /** Of a Map, once it has begun: how many iterations there are, and how many have succeeded. */
  iterations: { done: number; total: number } | null;
  /** The iteration of a Map in which the state stands. */
  within: Iteration | null;
}

interface Iteration {
  map: Visit;
  index: number;
}

/** Where an event stands: in which state, and on which line of states the next one would be entered. */
interface Place {
  visit: Visit | null;
  within: Iteration | null;
}

const BEGINNING: Place = { visit: null, within: null };

/**
 * Follows the history of one execution, redrives included, and tells how long each state took. Events of a Map's
 * iterations are told apart by following `previousEventId` back to the state's entry.
 */
export class StateTracker {
  readonly records = new Map<number, StateRecord>();
  /** The states that were entered and not left, in that order; after the execution's end the ones where it stopped. */
  readonly open = new Set<Visit>();
  readonly #places = new Map<number, Place>();

  /** The state in which an event stands that was added. */
  visitOf({ id = 0 }: HistoryEventLike): Visit | null {
    return this.#places.get(id)?.visit ?? null;
  }

  /** Takes the next event; gives the record of the state that it ended, if it ended one. */
  add(event: HistoryEventLike): StateRecord | undefined {
    // An emulator may leave it out, and tells what follows in one line.
    const before = this.#places.get(event.previousEventId ?? (event.id ?? 1) - 1) ?? BEGINNING;
    const place = this.#placeOf(event, before);
    this.#places.set(event.id ?? 0, place);
    const exited = event.stateExitedEventDetails;
    const { visit } = place;
    if (!visit) return undefined;
    if (exited) return visit.record.name === exited.name ? this.#leave(event, visit) : undefined;
    if (!event.stateEnteredEventDetails) follow(event, visit);
    return undefined;
  }

  #placeOf(event: HistoryEventLike, before: Place): Place {
    if (event.stateEnteredEventDetails) return this.#enter(event, before.within);
    // AWS goes on in the state where the execution stopped, without entering it again.
    if (event.type === 'ExecutionRedriven') return at(this.#openAt(null));
    if (event.type === 'MapIterationStarted') {
      const { name, index = 0 } = event.mapIterationStartedEventDetails ?? {};
      const map = enclosing(before, ({ record }) => record.name === name);
      if (!map) return before;
      const within = { map, index };
      return { visit: this.#openAt(within) ?? map, within };
    }
    // A Map's own events follow the last one of some iteration.
    if (event.type?.startsWith('MapState')) {
      const name = event.stateExitedEventDetails?.name;
      return at(
        enclosing(before, (visit) => (name === undefined ? this.open.has(visit) : visit.record.name === name)) ?? null,
      );
    }
    return before;
  }

  #enter(event: HistoryEventLike, within: Iteration | null): Place {
    const { name = '', input } = event.stateEnteredEventDetails ?? {};
    // A redrive enters a Fail state anew, a Retry the states of a Map: their earlier visits come to nothing.
    this.#abandon((visit) => sameIteration(visit.within, within));
    const enteredAt = timeOf(event).toISOString();
    const record: StateRecord = { name, enteredAt, seconds: null, retries: 0, error: null };
    const table = within && jsonObject(input)?.table;
    const visit: Visit = {
      record,
      table: typeof table === 'string' ? table : null,
      betweenTries: false,
      iterations: null,
      within,
    };
    this.records.set(event.id ?? 0, record);
    this.open.add(visit);
    return { visit, within };
  }

  #leave(event: HistoryEventLike, visit: Visit): StateRecord {
    this.open.delete(visit);
    this.#abandon(({ within }) => within?.map === visit);
    visit.record.seconds = (timeOf(event).getTime() - Date.parse(visit.record.enteredAt)) / 1000;
    return visit.record;
  }

  #abandon(which: (visit: Visit) => boolean): void {
    for (const visit of [...this.open].filter(which)) {
      this.open.delete(visit);
      this.#abandon(({ within }) => within?.map === visit);
    }
  }

  #openAt(within: Iteration | null): Visit | null {
    return [...this.open].find((visit) => sameIteration(visit.within, within)) ?? null;
  }
}

function follow(event: HistoryEventLike, visit: Visit): void {
  const { record } = visit;
  switch (event.type) {
    case 'TaskScheduled':
      if (record.error !== null) record.retries++;
      visit.betweenTries = false;
      break;
    case 'TaskSucceeded':
      record.error = null;
      break;
    case 'TaskFailed':
    case 'TaskTimedOut':
    case 'EvaluationFailed':
      record.error =
        event.taskFailedEventDetails?.error ??
        event.taskTimedOutEventDetails?.error ??
        event.evaluationFailedEventDetails?.error ??
        event.type;
      visit.betweenTries = true;
      break;
    case 'MapStateStarted':
      if (record.error !== null) record.retries++;
      visit.betweenTries = false;
      visit.iterations = { done: 0, total: event.mapStateStartedEventDetails?.length ?? 0 };
      break;
    case 'MapIterationFailed':
      // What fails an iteration fails its Map.
      if (visit.within) visit.within.map.record.error = record.error;
      break;
    case 'MapStateFailed':
      record.error ??= event.type;
      visit.betweenTries = true;
      break;
    case 'MapStateSucceeded':
      record.error = null;
      break;
    case 'MapIterationSucceeded':
      if (visit.within?.map.iterations) visit.within.map.iterations.done++;
      break;
  }
}

const timeOf = ({ timestamp }: HistoryEventLike): Date => timestamp ?? new Date(0);

const at = (visit: Visit | null): Place => ({ visit, within: visit?.within ?? null });

const sameIteration = (one: Iteration | null, other: Iteration | null): boolean =>
  one?.map === other?.map && one?.index === other?.index;

/** The nearest state, this one or a Map around it, that is looked for. */
function enclosing({ visit }: Place, wanted: (visit: Visit) => boolean): Visit | undefined {
  for (let one = visit; one; one = one.within?.map ?? null) {
    if (wanted(one)) return one;
  }
  return undefined;
}

/** All states of a history in the order in which they were entered. */
export function statesOf(history: HistoryEventLike[]): StateRecord[] {
  const tracker = new StateTracker();
  for (const event of history) tracker.add(event);
  return [...tracker.records.values()];
}
