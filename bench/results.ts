import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What one run of the benchmark found; nothing in it is drawn from more than one run. */
export interface Results {
  /** YYYY-MM-DD. */
  date: string;
  seed: number;
  rounds: number;
  events: number;
  tags: number;
  keyValues: number;
  cores: number;
  node: string;
  postgres: string;
  contenders: ContenderResults[];
}

export interface ContenderResults {
  name: string;
  title: string;
  remark: string;
  /** Why there are no figures. */
  absence?: string;
  /** Of each round, from the first one on; a contender may sit the later ones out. */
  seconds: number[];
  parts: Record<string, number[]>;
  peakMemoryMebibytes: number[];
}

/** The number of events whose results README.md shows, and to which larger runs are compared. */
export const REFERENCE_EVENTS = 200_000;

export const RESULTS_DIRECTORY = fileURLToPath(new URL('./results/', import.meta.url));

/** Undefined where no such run was kept. */
export function readResults(directory: string, events: number): Results | undefined {
  const path = join(directory, `${events}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : undefined;
}

export function secondsOf({ contenders }: Results, name: string): number[] {
  return contenders.find((contender) => contender.name === name)?.seconds ?? [];
}

export function partOf({ contenders }: Results, name: string, part: string): number[] {
  return contenders.find((contender) => contender.name === name)?.parts[part] ?? [];
}
