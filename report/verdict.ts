import { endingOf } from './ending.ts';
import { masked, type Past } from './past.ts';
import type { Verdict } from './report-schema.ts';

/** How the last of some executions stands or ended; what had nothing to do tells nothing. */
export function verdictOf(pasts: Past[]): Verdict {
  const telling = pasts.filter(({ audit }) => endingOf(audit).outcome !== 'NothingToDo');
  const last = telling.at(-1) ?? pasts.at(-1);
  if (last) return standingOf(last);
  return { standing: 'failed', outcome: 'Nothing', sentence: 'There is no execution to tell of.', next: [] };
}

function standingOf(past: Past): Verdict {
  const { machine, status, startedAt, error } = past.audit;
  const ending = endingOf(past.audit);
  const said = { outcome: ending.outcome, sentence: masked(ending.sentence), next: ending.next.map(masked) };
  if (ending.exitCode === null) {
    const since = past.visits.at(-1)?.record.enteredAt ?? startedAt;
    return {
      ...said,
      standing: 'running',
      sentence: `The machine ${machine} is still running: it has been at ${lastState(past)} since ${since}. How it ends is not known yet.`,
    };
  }
  if (/^(RolledBack|Restored)$/.test(ending.outcome)) return { ...said, standing: 'back' };
  if (status === 'SUCCEEDED') return { ...said, standing: 'done' };
  if (error === 'HeldForOperator') return { ...said, standing: 'held' };
  // A Fail state's cause says how everything stands; any other names no place.
  if (past.visits.at(-1)?.type === 'Fail') return { ...said, standing: 'failed' };
  const why = [error, past.audit.cause === null ? null : said.sentence].filter(Boolean).join(': ');
  const [standing, what] = UNASKED[status] ?? (['failed', 'failed'] as const);
  return {
    ...said,
    standing,
    sentence: `The machine ${machine} ${what} at ${lastState(past)}${why ? ` (${why})` : ''}.`,
  };
}

const UNASKED: Partial<Record<Past['audit']['status'], readonly [standing: 'stopped' | 'failed', what: string]>> = {
  ABORTED: ['stopped', 'was stopped'],
  TIMED_OUT: ['failed', 'ran out of its time'],
};

/** The state in which it stands or stopped; in an iteration of a Map, that Map. */
function lastState({ visits }: Past): string {
  return visits.filter(({ map }) => map === null).at(-1)?.record.name ?? 'its beginning';
}
