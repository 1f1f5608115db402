import { jsonObject } from './json-object.ts';
import type { HistoryEventLike } from './states.ts';

/** The states whose output tells when the last relay task stopped. */
const STOPPED_STATES = ['AwaitStopped', 'ConfirmStopped', 'AwaitRelaysStopped'];
/** The states after which a relay serves again. */
export const SERVING_STATES = ['HealthCheckNewRelay', 'HealthCheckOldRelay', 'HealthCheckKeptRelay'];

/** Follows the write stop through the histories of one or more executions; times in milliseconds of their clock. */
export class WriteStopTracker {
  from: number | null = null;
  /** Null while no relay serves. */
  until: number | null = null;
  /** Until when the way forward may take, if the execution has named a time. */
  deadline: number | null = null;

  /** @param failed whether the state that this event leaves was left by a Catch */
  add(event: HistoryEventLike, failed: boolean): void {
    const name = event.stateExitedEventDetails?.name;
    if (name && !failed && STOPPED_STATES.includes(name)) this.#stopped(event);
    if (name && !failed && SERVING_STATES.includes(name) && this.from !== null) {
      this.until ??= event.timestamp?.getTime() ?? null;
    }
    this.deadline = deadlineIn(event) ?? this.deadline;
  }

  /** While no relay serves, a later look at the stopped tasks changes nothing; afterwards it is another write stop. */
  #stopped({ stateExitedEventDetails: exited, timestamp }: HistoryEventLike): void {
    if (this.from !== null && this.until === null) return;
    const { stoppedAt } = (jsonObject(exited?.output)?.Payload ?? {}) as { stoppedAt?: unknown };
    this.from = timeIn(stoppedAt) ?? timestamp?.getTime() ?? null;
    this.until = null;
    this.deadline = null;
  }
}

/** A state assigns it to the variable `deadline`, and functions that work under it are told it in their payload. */
function deadlineIn(event: HistoryEventLike): number | null {
  const assigned = event.stateExitedEventDetails?.assignedVariables?.deadline;
  if (assigned !== undefined) return timeIn(jsonObject(`{"deadline":${assigned}}`)?.deadline);
  const text = event.taskScheduledEventDetails?.parameters;
  if (!text?.includes('"deadline"')) return null;
  const { deadline } = (jsonObject(text)?.Payload ?? {}) as { deadline?: unknown };
  return timeIn(deadline);
}

function timeIn(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
