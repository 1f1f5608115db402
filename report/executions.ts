import { masked, messageOf, type Past, type PastVisit } from './past.ts';
import type { ReportedExecution, ReportedVisit } from './report-schema.ts';
import { graphOf } from './state-graph.ts';

/** The error with which a function asks to be called again (statemachine/errors.ts). */
const NOT_YET = 'NotYet';

/** One execution: its runs, every stay in a state, and the way through the machine. */
export function reportedExecution({ audit, runs, visits }: Past): ReportedExecution {
  const { machine, name, arn, status, error, cause, startedAt, stoppedAt, redrives, definition } = audit;
  return {
    ...{ machine, name, arn, status, error, startedAt, stoppedAt, redrives },
    cause: cause === null ? null : messageOf(cause),
    runs: runs.map(({ from, until, ending }) => ({ from: iso(from), until: iso(until), ending })),
    visits: together(visits).map(reportedVisit),
    graph: definition === null ? null : graphOf(definition, visits),
  };
}

/** A Map over two hundred tables goes through the same states two hundred times at once: told once for each state. */
function together(visits: PastVisit[]): PastVisit[][] {
  const groups = new Map<unknown, Map<string, PastVisit[]>>();
  const inOrder: PastVisit[][] = [];
  for (const visit of visits) {
    const ofMap = groups.get(visit.map ?? visit) ?? new Map<string, PastVisit[]>();
    groups.set(visit.map ?? visit, ofMap);
    const group = ofMap.get(visit.record.name) ?? [];
    if (group.length === 0) inOrder.push(group);
    group.push(visit);
    ofMap.set(visit.record.name, group);
  }
  return inOrder;
}

function reportedVisit(group: PastVisit[]): ReportedVisit {
  const [{ record, type, map }] = group as [PastVisit, ...PastVisit[]];
  const byRun = new Map<number, { from: number; until: number }>();
  for (const { run, from, until } of group.flatMap(({ stays }) => stays)) {
    const known = byRun.get(run) ?? { from, until };
    byRun.set(run, { from: Math.min(known.from, from), until: Math.max(known.until, until) });
  }
  const stays = [...byRun].map(([run, { from, until }]) => ({ run, from: iso(from), until: iso(until) }));
  const isLeft = group.every((visit) => visit.record.seconds !== null);
  const begin = Math.min(...[...byRun.values()].map(({ from }) => from));
  const end = Math.max(...[...byRun.values()].map(({ until }) => until));
  return {
    name: record.name,
    type,
    waits: group.every(waits),
    within: map?.name ?? null,
    iterations: group.length,
    enteredAt: iso(begin),
    seconds: isLeft ? Math.round(end - begin) / 1000 : null,
    stays,
    retries: group.reduce((sum, visit) => sum + visit.record.retries, 0),
    triedAgain: group
      .flatMap((visit) => (visit.record.error === null ? visit.failures : visit.failures.slice(0, -1)))
      .sort((a, b) => a.at - b.at)
      .map(({ at, error }) => ({ at: iso(at), error: masked(error) })),
    error: group.find((visit) => visit.record.error !== null)?.record.error ?? null,
  };
}

/** The state that finds at its first look what it waits for has not waited. */
function waits({ type, awaitsAnswer, failures }: PastVisit): boolean {
  return type === 'Wait' || awaitsAnswer || (failures.length > 0 && failures.every(({ error }) => error === NOT_YET));
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
