import type { State, StateMachine } from '../statemachine/asl.ts';
import { masked, type PastVisit } from './past.ts';
import type { ReportedGraph } from './report-schema.ts';

type Way = ReportedGraph['ways'][number];

/** The states of a machine, the ways between them, and which of them an execution took. A Map is one state. */
export function graphOf({ StartAt, States }: StateMachine, visits: PastVisit[]): ReportedGraph {
  const onTheWay = visits.filter(({ map }) => map === null);
  const taken = new Map<string, boolean>();
  for (const [place, { record }] of onTheWay.entries()) {
    const next = onTheWay[place + 1];
    if (next) taken.set(`${record.name}\n${next.record.name}`, record.error !== null);
  }
  const states = Object.entries(States);
  return {
    startAt: StartAt,
    states: states.map(([name, { Type, Comment }]) => {
      const here = onTheWay.filter(({ record }) => record.name === name);
      return {
        ...{ name, type: Type, comment: masked(Comment), visits: here.length },
        failed: here.some(({ record }) => record.error !== null),
      };
    }),
    ways: states.flatMap(([name, state]) => {
      const ways = new Map<string, Way>();
      for (const way of waysFrom(name, state)) {
        const failed = taken.get(`${way.from}\n${way.to}`);
        // Two ways to the same state are one line; it is drawn as the one that was taken.
        if (!ways.has(way.to) || failed === (way.kind === 'failure'))
          ways.set(way.to, { ...way, taken: failed !== undefined });
      }
      return [...ways.values()];
    }),
  };
}

function waysFrom(from: string, state: State): Omit<Way, 'taken'>[] {
  const ways: Omit<Way, 'taken'>[] = [];
  if ('Next' in state && state.Next !== undefined) ways.push({ from, to: state.Next, kind: 'next' });
  if (state.Type === 'Choice') {
    for (const to of [...state.Choices.map(({ Next }) => Next), state.Default]) ways.push({ from, to, kind: 'choice' });
  }
  if ('Catch' in state) for (const { Next } of state.Catch ?? []) ways.push({ from, to: Next, kind: 'failure' });
  return ways;
}
