import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { messageIn } from '../statemachine/function-cause.ts';
import type { ExecutionAudit } from './execution-audit.ts';
import { jsonObject } from './json-object.ts';
import type { StateRecord } from './run-record.ts';
import { StateTracker, type Visit } from './states.ts';

/** One run of an execution: the first, or one that a redrive began. Times in milliseconds. */
export interface Run {
  from: number;
  until: number;
  /** The type of the event that ended it; null while it goes on. */
  ending: string | null;
}

/** A stay in a state, with all that the history tells of it. Times in milliseconds. */
export interface PastVisit {
  record: StateRecord;
  type: string;
  /** It waits until somebody answers by a task token. */
  awaitsAnswer: boolean;
  /** The Map in which it stands, if it stands in one. */
  map: StateRecord | null;
  table: string | null;
  stays: { run: number; from: number; until: number }[];
  failures: { at: number; error: string; cause: string }[];
  /** Arguments of the last call of a Task. */
  asked: Record<string, unknown> | undefined;
  /** What a Task's last call has given. */
  answer: Record<string, unknown> | undefined;
  output: string | undefined;
  /** JSON texts by variable. */
  assigned: Record<string, string>;
}

/** An execution's history, read once. */
export interface Past {
  audit: ExecutionAudit;
  runs: Run[];
  /** In the order in which they were entered. */
  visits: PastVisit[];
}

/** Follows the history of an execution; what still lasts at its end lasts until then. */
export function pastOf(audit: ExecutionAudit): Past {
  const tracker = new StateTracker();
  const visits = new Map<StateRecord, PastVisit>();
  const runs: Run[] = [];
  for (const event of audit.history) {
    const at = event.timestamp?.getTime() ?? 0;
    const openBefore = [...tracker.open];
    const left = tracker.add(event);
    if (event.type === 'ExecutionStarted' || event.type === 'ExecutionRedriven') {
      // What a run was in ends with it, also where the history has no word of its end.
      for (const { record } of tracker.open) close(visits.get(record), at);
      runs.push({ from: at, until: at, ending: null });
      for (const { record } of tracker.open) visits.get(record)?.stays.push(stay(runs, at));
    }
    const run = runs.at(-1);
    if (run) run.until = at;
    const entered = event.stateEnteredEventDetails && [...tracker.open].at(-1);
    if (entered) visits.set(entered.record, begun(entered, event, runs));
    // What is no longer open has ended with this event, whether it was left or given up.
    for (const { record } of openBefore.filter((visit) => !tracker.open.has(visit))) close(visits.get(record), at);
    if (left) finish(visits.get(left), event);
    const visit = tracker.visitOf(event);
    if (visit) take(visits.get(visit.record), event, at);
    if (/^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(event.type ?? '')) {
      if (run) run.ending = event.type ?? null;
      for (const { record } of tracker.open) close(visits.get(record), at);
    }
  }
  const until = runs.at(-1)?.until ?? 0;
  for (const { record } of tracker.open) close(visits.get(record), until);
  return { audit, runs, visits: [...visits.values()] };
}

const stay = (runs: Run[], at: number): PastVisit['stays'][number] => ({
  run: Math.max(0, runs.length - 1),
  from: at,
  until: Number.NaN,
});

function begun({ record, table, within }: Visit, event: HistoryEvent, runs: Run[]): PastVisit {
  return {
    record,
    type: (event.type ?? '').replace(/StateEntered$/, ''),
    awaitsAnswer: false,
    map: within?.map.record ?? null,
    table,
    stays: [stay(runs, event.timestamp?.getTime() ?? 0)],
    failures: [],
    asked: undefined,
    answer: undefined,
    output: undefined,
    assigned: {},
  };
}

function close(visit: PastVisit | undefined, at: number): void {
  const last = visit?.stays.at(-1);
  if (last && Number.isNaN(last.until)) last.until = at;
}

function finish(visit: PastVisit | undefined, { stateExitedEventDetails: exited }: HistoryEvent): void {
  if (!visit) return;
  visit.output = exited?.output;
  visit.assigned = exited?.assignedVariables ?? {};
}

function take(visit: PastVisit | undefined, event: HistoryEvent, at: number): void {
  if (!visit) return;
  const failed = event.taskFailedEventDetails ?? event.taskTimedOutEventDetails ?? event.evaluationFailedEventDetails;
  if (failed) visit.failures.push({ at, error: failed.error ?? event.type ?? '', cause: failed.cause ?? '' });
  if (event.taskScheduledEventDetails?.resource?.endsWith('.waitForTaskToken')) visit.awaitsAnswer = true;
  if (event.taskScheduledEventDetails) visit.asked = jsonObject(event.taskScheduledEventDetails.parameters);
  if (event.taskSucceededEventDetails) visit.answer = jsonObject(event.taskSucceededEventDetails.output);
}

/** What a function was given, where the Task calls one. */
export function payloadAsked({ asked }: PastVisit): Record<string, unknown> | undefined {
  return objectIn(asked?.Payload);
}

/** What a function has answered. */
export function payloadAnswered({ answer }: PastVisit): Record<string, unknown> | undefined {
  return objectIn(answer?.Payload);
}

function objectIn(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

/** What a cause says. A URL's password is no one's business, also where it has an `@` or a `/` that should be escaped. */
export const messageOf = (cause: string): string => masked(messageIn(cause));

export function masked(text: string): string {
  return text.replace(/(postgres(?:ql)?:\/\/)\S*@/gi, '$1****@').replace(/:\/\/[^\s/]+@/g, '://****@');
}
