import { jsonObject } from './json-object.ts';
import { parseMigratorLine } from './migrator-log.ts';
import { type Past, payloadAnswered } from './past.ts';
import type { Throughput } from './report-schema.ts';

/** Rows went over evenly between two moments, in seconds since 1970. */
interface Stretch {
  from: number;
  until: number;
  rows: number;
}

type ThroughputRun = Throughput['runs'][number];

/** Into so many parts the time of a run is cut. */
const PARTS = 60;

/**
 * How fast rows went over: from the migrator's lines about rows where there are some, else from what each run tells of itself.
 *
 * @param lines the migrator's JSON lines, oldest first
 */
export function throughputOf(pasts: Past[], lines: string[]): Throughput {
  const logged = lines.length > 0 ? runsInLog(lines) : [];
  if (logged.length > 0) return { from: 'log', runs: logged };
  return { from: 'runs', runs: pasts.flatMap(wholeRuns) };
}

function wholeRuns({ visits }: Past): ThroughputRun[] {
  return visits.flatMap((visit) => {
    const { runId, seconds, tables } = payloadAnswered(visit) ?? {};
    if (typeof runId !== 'string' || typeof seconds !== 'number' || !Array.isArray(tables) || tables.length === 0)
      return [];
    const rows = (tables as { rows?: number }[]).reduce((sum, table) => sum + (table.rows ?? 0), 0);
    return [{ title: titleOf(runId), rows, seconds, points: [] }];
  });
}

/** Of `<execution>/<redrive>/<mode>-<attempt>.<retry>` what a reader wants to know. */
function titleOf(runId: string): string {
  return runId.split('/').at(-1) ?? runId;
}

function runsInLog(lines: string[]): ThroughputRun[] {
  const runs: Stretch[][] = [[]];
  const before = new Map<string, { at: number; rows: number }>();
  for (const line of lines) {
    const word = parseMigratorLine(line);
    const at = Date.parse(String(jsonObject(line)?.time)) / 1000;
    if (word?.kind === 'result') {
      runs.push([]);
      before.clear();
    }
    if (word?.kind !== 'rows' || Number.isNaN(at)) continue;
    const key = `${word.verb} ${word.table}`;
    const last = before.get(key);
    before.set(key, { at, rows: word.rows });
    const rows = word.rows - (last?.rows ?? 0);
    const lasted = word.rowsPerSecond > 0 ? word.rows / word.rowsPerSecond : 0;
    if (rows > 0) runs.at(-1)?.push({ from: last?.at ?? at - lasted, until: at, rows });
  }
  return runs.filter((stretches) => stretches.length > 0).map((stretches, place) => drawn(stretches, place + 1));
}

function drawn(stretches: Stretch[], number: number): ThroughputRun {
  const from = Math.min(...stretches.map((one) => one.from));
  const seconds = Math.max(...stretches.map((one) => one.until)) - from;
  const width = Math.max(seconds, 0.001) / PARTS;
  const rows = stretches.reduce((sum, one) => sum + one.rows, 0);
  const points = Array.from({ length: PARTS }, (_, part) => {
    const begin = from + part * width;
    return { seconds: rounded(part * width), rowsPerSecond: Math.round(rowsWithin(stretches, begin, width) / width) };
  });
  return { title: `run ${number}`, rows, seconds: rounded(seconds), points };
}

function rowsWithin(stretches: Stretch[], begin: number, width: number): number {
  return stretches.reduce((sum, { from, until, rows }) => {
    const lasted = Math.max(until - from, 0.001);
    const shared = Math.min(begin + width, from + lasted) - Math.max(begin, from);
    return sum + (shared > 0 ? (rows * shared) / lasted : 0);
  }, 0);
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
