import { jsonObject } from './json-object.ts';
import { MIGRATOR_CONTAINER, type MigratorWord, parseMigratorLine, type TableProgress } from './migrator-log.ts';
import type { StateRecord } from './run-record.ts';
import { type HistoryEventLike, StateTracker, type Visit } from './states.ts';
import { WriteStopTracker } from './write-stop.ts';

/** What goes on at one moment, as data: the live block of the terminal is drawn from it. */
export interface LiveState {
  /** Of a rehearsal: seconds of real time while no execution has begun; null from then on. */
  preparingSeconds: number | null;
  running: RunningState[];
  tables: TableProgress[];
  /** `deadlineSeconds`: after how many seconds the way back begins, if that is known. */
  writeStop: { seconds: number; deadlineSeconds: number | null; over: boolean } | null;
}

export interface RunningState {
  name: string;
  /** For an iteration of a Map over tables. */
  table: string | null;
  /** Seconds of the executions' clock since the state was entered. */
  seconds: number;
  retries: number;
  /** The error after which it is tried again; null also while it only waits for what is not there yet. */
  error: string | null;
  /** Of a Map. */
  iterations: { done: number; total: number } | null;
}

/** What has just happened in an execution and is over: it is told once, where the live state is shown again and again. */
export type Announcement =
  | { kind: 'execution'; machine: string; redriveCount: number }
  | { kind: 'state'; record: StateRecord; table: string | null; verdict: string | null };

interface FollowedExecution {
  machine: string;
  tracker: StateTracker;
  lastEventId: number;
  ended: boolean;
}

/** The machine whose events are taken for meant where none is named. */
const CUTOVER = 'cutover';

/**
 * Follows executions and tells what goes on at this moment. Without a clock of its own, as in a rehearsal, whose waits are
 * shortened, the time is read off the events; between two of them it goes on with real time.
 */
export class LiveModel {
  readonly #now: () => number;
  readonly #clock: (() => number) | undefined;
  readonly #startedAt: number;
  readonly #executions: FollowedExecution[] = [];
  readonly #tables = new Map<string, TableProgress>();
  readonly #writeStop = new WriteStopTracker();
  #lastEvent: { clockTime: number; seenAt: number } | null = null;

  /**
   * @param now real time in milliseconds, from whatever beginning
   * @param clock the executions' time, in milliseconds since 1970
   */
  constructor(now: () => number, clock?: () => number) {
    this.#now = now;
    this.#clock = clock;
    this.#startedAt = now();
  }

  /** A step beside the executions has ended, and with it the migrator that it may have run. */
  step(): void {
    this.#tables.clear();
  }

  /** Takes a line of a container's log; gives what it says to a person. */
  log(container: string, line: string): MigratorWord | null {
    if (container !== MIGRATOR_CONTAINER) return null;
    const word = parseMigratorLine(line);
    if (word?.kind === 'result') this.#tables.clear();
    if (word?.kind === 'rows') {
      const { kind: _, ...progress } = word;
      if (progress.done) this.#tables.delete(progress.table);
      else this.#tables.set(progress.table, progress);
    }
    return word;
  }

  /** Takes an event of the history of any of the executions. */
  event(event: HistoryEventLike, machine = CUTOVER): Announcement[] {
    this.#lastEvent = { clockTime: event.timestamp?.getTime() ?? 0, seenAt: this.#now() };
    const execution = this.#executionOf(event, machine);
    execution.lastEventId = event.id ?? 0;
    const left = execution.tracker.add(event);
    this.#writeStop.add(event, left?.error != null);
    switch (event.type) {
      case 'ExecutionStarted':
      case 'ExecutionRedriven':
        execution.ended = false;
        return [{ kind: 'execution', machine, redriveCount: event.executionRedrivenEventDetails?.redriveCount ?? 0 }];
      case 'ExecutionSucceeded':
        execution.ended = true;
        return [];
      case 'ExecutionFailed':
      case 'ExecutionAborted':
      case 'ExecutionTimedOut':
        execution.ended = true;
        this.#tables.clear();
        return stoppedStates(execution.tracker, event);
    }
    if (!left) return [];
    // A migrator that was killed has no last word.
    if (left.name === 'RunMigrator' || left.name === 'RunLoad') this.#tables.clear();
    const output = jsonObject(event.stateExitedEventDetails?.output);
    const told = output?.table !== undefined && output?.verdict !== undefined;
    return [
      {
        kind: 'state',
        record: left,
        table: told ? String(output.table) : null,
        verdict: told ? String(output.verdict) : null,
      },
    ];
  }

  /** What goes on now. */
  state(): LiveState {
    const running = this.#executions.filter(({ ended }) => !ended).flatMap(({ tracker }) => [...tracker.open]);
    return {
      preparingSeconds: this.#clock || this.#executions.length > 0 ? null : (this.#now() - this.#startedAt) / 1000,
      running: running.map((visit) => this.#runningState(visit)),
      tables: [...this.#tables.values()],
      writeStop: this.#writeStopNow(),
    };
  }

  /** Of two executions of one machine, an event belongs to the one whose history it continues. */
  #executionOf(event: HistoryEventLike, machine: string): FollowedExecution {
    const ofMachine = this.#executions.filter((execution) => execution.machine === machine).reverse();
    const known =
      event.type === 'ExecutionStarted'
        ? undefined
        : (ofMachine.find(({ lastEventId }) => lastEventId + 1 === event.id) ?? ofMachine[0]);
    if (known) return known;
    const execution = { machine, tracker: new StateTracker(), lastEventId: 0, ended: false };
    this.#executions.push(execution);
    return execution;
  }

  #runningState({ record, table, betweenTries, iterations }: Visit): RunningState {
    return {
      name: record.name,
      table,
      seconds: this.#secondsSince(Date.parse(record.enteredAt)),
      retries: record.retries,
      error: betweenTries && record.error !== 'NotYet' ? record.error : null,
      iterations,
    };
  }

  #writeStopNow(): LiveState['writeStop'] {
    const { from, until, deadline } = this.#writeStop;
    if (from === null) return null;
    return {
      seconds: until === null ? this.#secondsSince(from) : (until - from) / 1000,
      deadlineSeconds: deadline !== null && deadline > from ? (deadline - from) / 1000 : null,
      over: until !== null,
    };
  }

  #secondsSince(clockTime: number): number {
    if (this.#clock) return Math.max(0, (this.#clock() - clockTime) / 1000);
    if (!this.#lastEvent) return 0;
    return Math.max(0, (this.#lastEvent.clockTime + this.#now() - this.#lastEvent.seenAt - clockTime) / 1000);
  }
}

/** The states in which an execution stopped; a Fail state is one that is never left. */
function stoppedStates({ open }: StateTracker, event: HistoryEventLike): Announcement[] {
  const error =
    event.executionFailedEventDetails?.error ??
    event.executionAbortedEventDetails?.error ??
    event.executionTimedOutEventDetails?.error ??
    event.type ??
    'Unknown';
  return [...open].map(({ record }) => ({
    kind: 'state',
    record: {
      ...record,
      seconds: ((event.timestamp?.getTime() ?? 0) - Date.parse(record.enteredAt)) / 1000,
      error,
    },
    table: null,
    verdict: null,
  }));
}
