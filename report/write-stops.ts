import { jsonObject } from './json-object.ts';
import type { Past } from './past.ts';
import type { ReportedWriteStop } from './report-schema.ts';

interface Measured {
  from: number;
  until: number | null;
  steps: { step: string; at: number }[];
}

/**
 * The write stops of some executions, oldest first, as the machines measured them in their variable `$writeStop`
 * (statemachine/write-stop.ts). `restore` goes on with the one that a cutover left behind: both say when it began.
 */
export function writeStopsOf(pasts: Past[]): ReportedWriteStop[] {
  const stops = new Map<number, Measured>();
  for (const past of pasts) {
    const ofThis = new Map<number, Measured>();
    for (const { assigned } of past.visits) {
      const measured = measuredIn(assigned.writeStop);
      if (measured) ofThis.set(measured.from, measured);
    }
    for (const [from, { until, steps }] of ofThis) {
      const known = stops.get(from);
      stops.set(from, { from, until, steps: [...(known?.steps ?? []), ...steps] });
    }
  }
  const lastKnown = Math.max(...pasts.flatMap(({ runs }) => runs.map(({ until }) => until)));
  return [...stops.values()].sort((a, b) => a.from - b.from).map((stop) => reported(stop, lastKnown));
}

function reported({ from, until, steps }: Measured, lastKnown: number): ReportedWriteStop {
  let before = from;
  return {
    from: new Date(from).toISOString(),
    until: until === null ? null : new Date(until).toISOString(),
    seconds: seconds((until ?? lastKnown) - from),
    steps: steps
      .sort((a, b) => a.at - b.at)
      .map(({ step, at }) => {
        const took = { step, seconds: seconds(at - before) };
        before = at;
        return took;
      }),
  };
}

const seconds = (milliseconds: number): number => Math.max(0, Math.round(milliseconds / 100) / 10);

function measuredIn(text: string | undefined): Measured | undefined {
  const { from, until, steps } = jsonObject(text) ?? {};
  const begun = Date.parse(String(from));
  if (Number.isNaN(begun)) return undefined;
  const ended = Date.parse(String(until));
  return {
    from: begun,
    until: Number.isNaN(ended) ? null : ended,
    steps: (Array.isArray(steps) ? steps : []).flatMap((one: { step?: unknown; at?: unknown }) => {
      const at = Date.parse(String(one.at));
      return Number.isNaN(at) ? [] : [{ step: String(one.step), at }];
    }),
  };
}
