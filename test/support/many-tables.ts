import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { ExecutionAudit } from '../../report/execution-audit.ts';
import { jsonObject } from '../../report/json-object.ts';

interface Figures {
  table: string;
  rows: number;
  digest: string;
}

/** The audit of a cutover with so many tables in the place of its own: all of them in the manifest, each in an iteration of the Map. */
export function withTables(audit: ExecutionAudit, names: string[]): ExecutionAudit {
  const figures = names.map(
    (table, place): Figures => ({ table, rows: place * 1_000, digest: place.toString(16).padStart(64, 'f') }),
  );
  const history: HistoryEvent[] = [];
  const newIds = new Map<number, number>([[0, 0]]);
  let isInMap = false;
  for (const event of audit.history) {
    if (isInMap && event.type !== 'MapStateSucceeded') continue;
    isInMap = false;
    newIds.set(event.id ?? 0, history.length + 1);
    const previousEventId = newIds.get(event.previousEventId ?? 0) ?? history.length;
    history.push({ ...withManifest(event, figures), id: history.length + 1, previousEventId });
    if (event.type !== 'MapStateStarted') continue;
    isInMap = true;
    for (const [index, one] of figures.entries()) history.push(...iteration(history, event, index, one));
  }
  return { ...audit, history };
}

/** What ReadManifest has answered, with other tables. */
function withManifest(event: HistoryEvent, tables: Figures[]): HistoryEvent {
  const details = event.taskSucceededEventDetails;
  const answer = jsonObject(details?.output) as { Payload?: { runId?: string; tables?: object[] } } | undefined;
  if (!details || !answer?.Payload?.runId || !answer.Payload.tables) return event;
  const Payload = { ...answer.Payload, tables: tables.map((one) => ({ ...one, kind: 'kv', bytes: one.rows * 90 })) };
  return { ...event, taskSucceededEventDetails: { ...details, output: JSON.stringify({ ...answer, Payload }) } };
}

function iteration(before: HistoryEvent[], map: HistoryEvent, index: number, one: Figures): HistoryEvent[] {
  const first = before.length + 1;
  const verdict = JSON.stringify({ table: one.table, verdict: 'verified', source: one, target: one, findings: [] });
  const events: Partial<HistoryEvent>[] = [
    { type: 'MapIterationStarted', mapIterationStartedEventDetails: { name: 'VerifyCounts', index } },
    { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'VerifyTable', input: JSON.stringify(one) } },
    { type: 'TaskStateExited', stateExitedEventDetails: { name: 'VerifyTable', output: verdict } },
    { type: 'MapIterationSucceeded', mapIterationSucceededEventDetails: { name: 'VerifyCounts', index } },
  ];
  return events.map((event, place) => ({
    ...event,
    id: first + place,
    // An iteration begins after the Map's own beginning, whichever one ran before.
    previousEventId: place === 0 ? lastOfMap(before) : first + place - 1,
    timestamp: map.timestamp,
  })) as HistoryEvent[];
}

function lastOfMap(before: HistoryEvent[]): number {
  return before.findLast(({ type }) => type === 'MapStateStarted')?.id ?? 0;
}
