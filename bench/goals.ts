import { partOf, REFERENCE_EVENTS, type Results, secondsOf } from './results.ts';
import { ratiosByRound, spreadOf } from './statistics.ts';

interface Goal {
  title: string;
  bound: 'at most' | 'at least';
  limit: number;
  unit: '×' | 'MiB';
  /** Undefined where this run has not measured it. */
  seen(results: Results, reference: Results | undefined): number | undefined;
}

export interface GoalVerdict {
  title: string;
  /** Such as "at most 1.15 ×". */
  goal: string;
  /** Such as "1.07 ×". */
  seen: string;
  verdict: 'met' | 'missed' | 'not measured';
}

const medianRatio = (numbers: number[], others: number[]): number | undefined =>
  spreadOf(ratiosByRound(numbers, others))?.median;

/** What the migrator has to keep. */
const GOALS: Goal[] = [
  {
    title: 'load and verify, as a multiple of the floor',
    ...{ bound: 'at most', limit: 1.15, unit: '×' },
    seen: (results) => medianRatio(secondsOf(results, 'ours'), secondsOf(results, 'floor')),
  },
  {
    title: 'row by row, as a multiple of load and verify',
    ...{ bound: 'at least', limit: 7, unit: '×' },
    seen: (results) => medianRatio(secondsOf(results, 'row-by-row'), secondsOf(results, 'ours')),
  },
  {
    title: 'reconcile of 1% changed rows, as a part of load',
    ...{ bound: 'at most', limit: 0.35, unit: '×' },
    seen: (results) => medianRatio(secondsOf(results, 'delta'), partOf(results, 'ours', 'load')),
  },
  {
    title: 'peak memory of the migrator',
    ...{ bound: 'at most', limit: 200, unit: 'MiB' },
    seen: ({ contenders }) => {
      const peaks = contenders.flatMap(({ peakMemoryMebibytes }) => peakMemoryMebibytes);
      return peaks.length === 0 ? undefined : Math.max(...peaks);
    },
  },
  {
    title: `time a row, as a multiple of that at ${REFERENCE_EVENTS.toLocaleString('en-US')} events`,
    ...{ bound: 'at most', limit: 1.2, unit: '×' },
    seen: (results, reference) => {
      if (reference === undefined || results.events <= REFERENCE_EVENTS) return undefined;
      const [here, there] = [secondsPerRow(results), secondsPerRow(reference)];
      return here === undefined || there === undefined ? undefined : here / there;
    },
  },
];

function secondsPerRow(results: Results): number | undefined {
  const seconds = spreadOf(secondsOf(results, 'ours'));
  return seconds && seconds.median / (results.events + results.tags + results.keyValues);
}

/** @param reference the kept results of REFERENCE_EVENTS events, where there are some */
export function judge(results: Results, reference: Results | undefined): GoalVerdict[] {
  return GOALS.map(({ title, bound, limit, unit, seen }) => {
    const value = seen(results, reference);
    const goal = `${bound} ${limit} ${unit}`;
    if (value === undefined) return { title, goal, seen: 'not measured', verdict: 'not measured' };
    const met = bound === 'at most' ? value <= limit : value >= limit;
    return { title, goal, seen: `${value.toFixed(unit === 'MiB' ? 0 : 2)} ${unit}`, verdict: met ? 'met' : 'missed' };
  });
}
