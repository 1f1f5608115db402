import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { Clock } from '../clock.ts';
import { StateFailure } from './failure.ts';

export type { HistoryEvent } from '@aws-sdk/client-sfn';

/** The details that an event carries besides its id, time and type, by their names in the API. */
export type EventDetails = Omit<HistoryEvent, 'id' | 'previousEventId' | 'timestamp' | 'type'>;

/** AWS ends an execution whose history grows to this number of events, and redrives none whose history has one less. */
export const HISTORY_EVENTS_MAX = 25_000;

/** The events of one execution in the order in which they happened, redrives included. */
export class History {
  readonly events: HistoryEvent[] = [];
  #clock: Clock;
  #onEvent: (event: HistoryEvent) => void;

  constructor(clock: Clock, onEvent: (event: HistoryEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  /**
   * Appends an event and returns it.
   *
   * @param previousEventId the event that led to this one; inside a Map each iteration has its own line of events
   * @throws StateFailure `States.Runtime` when only the place for the event that ends the execution is left
   */
  record(type: HistoryEventType, previousEventId: number, details: EventDetails = {}): HistoryEvent {
    if (this.events.length >= HISTORY_EVENTS_MAX - 1) {
      throw new StateFailure(
        'States.Runtime',
        `The execution reached the maximum number of history events (${HISTORY_EVENTS_MAX}).`,
      );
    }
    return this.#append(type, previousEventId, details);
  }

  /** Appends the event that ends a run; there is always place for it. */
  recordEnd(type: HistoryEventType, previousEventId: number, details: EventDetails): void {
    this.#append(type, previousEventId, details);
  }

  get lastEventId(): number {
    return this.events.length;
  }

  #append(type: HistoryEventType, previousEventId: number, details: EventDetails): HistoryEvent {
    const event = { id: this.events.length + 1, previousEventId, timestamp: this.#clock.now(), type, ...details };
    this.events.push(event);
    this.#onEvent(event);
    return event;
  }
}
