import type { StateRecord } from './run-record.ts';

/** The part of a history event (API: GetExecutionHistory) that is looked at here. */
export interface HistoryEventLike {
  id?: number | undefined;
  previousEventId?: number | undefined;
  timestamp?: Date | undefined;
  type?: string | undefined;
  stateEnteredEventDetails?: { name?: string | undefined } | undefined;
  stateExitedEventDetails?: { name?: string | undefined } | undefined;
  taskFailedEventDetails?: { error?: string | undefined } | undefined;
  taskTimedOutEventDetails?: { error?: string | undefined } | undefined;
}

/**
 * Follows a history and tells how long each state took. Events of a Map's iterations are told apart by following
 * `previousEventId` back to the state's entry.
 */
export class StateTracker {
  readonly records = new Map<number, StateRecord>();
  // Which state each event belongs to, by the id of the event that entered it.
  private readonly entryOf = new Map<number, number>();

  /** Takes the next event; gives the record of the state that it ended, if it ended one. */
  add(event: HistoryEventLike): StateRecord | undefined {
    const id = event.id ?? 0;
    const time = event.timestamp ?? new Date(0);
    const entered = event.stateEnteredEventDetails;
    if (entered) {
      this.entryOf.set(id, id);
      const enteredAt = time.toISOString();
      this.records.set(id, { name: entered.name ?? '', enteredAt, seconds: null, retries: 0, error: null });
      return undefined;
    }
    const entry = this.entryOf.get(event.previousEventId ?? 0);
    const record = entry === undefined ? undefined : this.records.get(entry);
    if (entry === undefined || !record) return undefined;
    this.entryOf.set(id, entry);
    if (event.stateExitedEventDetails?.name === record.name) {
      record.seconds = (time.getTime() - Date.parse(record.enteredAt)) / 1000;
      return record;
    }
    if (event.type === 'TaskFailed' || event.type === 'TaskTimedOut') {
      record.error = event.taskFailedEventDetails?.error ?? event.taskTimedOutEventDetails?.error ?? event.type;
    } else if (event.type === 'TaskScheduled' && record.error !== null) {
      record.retries++;
    } else if (event.type === 'TaskSucceeded') {
      record.error = null;
    }
    return undefined;
  }
}

/** All states of a history in the order in which they were entered. */
export function statesOf(history: HistoryEventLike[]): StateRecord[] {
  const tracker = new StateTracker();
  for (const event of history) tracker.add(event);
  return [...tracker.records.values()];
}
