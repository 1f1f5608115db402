import { createHash } from 'node:crypto';
import { parseSettings, type Settings } from '../statemachine/settings.ts';
import { type Place, placesOf } from './places.ts';
import { type Violation, violationsOf } from './properties.ts';
import { type RunResult, runScenario } from './run.ts';
import {
  focusOf,
  isAlone,
  nameOfPair,
  type Pair,
  pairsOf,
  type Scenario,
  scenarioOf,
  TURNS_UNTIL_ALONE,
} from './scenario.ts';

/** The settings of every run: the defaults, with few samples, since each is asked for again and again. */
export const SETTINGS: Settings = parseSettings({ sampleEvents: 4 });
export const PLACES: Place[] = placesOf(SETTINGS);
export const PAIRS: Pair[] = pairsOf(PLACES);

export function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, place) => first + place);
}

/** The pair that a seed looks for, by its name: `cutover.ScaleUp aborted`. */
export function pairOfSeed(seed: number): string {
  return nameOfPair(focusOf(seed, PAIRS));
}

/** Of every pair the first seed that brings about it and nothing else. */
export function seedsAlone(): number[] {
  return seedsFrom(1, PAIRS.length * TURNS_UNTIL_ALONE).filter((seed) => isAlone(seed, PAIRS));
}

/** The first seeds that look for a pair of which a name such as `cutover.ScaleUp aborted` has these words. */
export function seedsLookingFor(words: RegExp, count: number): number[] {
  const found: number[] = [];
  for (let seed = 1; found.length < count && seed <= PAIRS.length * count; seed += 1) {
    if (words.test(pairOfSeed(seed))) found.push(seed);
  }
  return found;
}

/** What is told of a run. */
export interface Outcome {
  seed: number;
  violations: Violation[];
  /** `<machine>.<state> <kind>` of what went wrong. */
  occurred: string[];
  visited: string[];
}

export function scenarioOfSeed(seed: number): Scenario {
  return scenarioOf(seed, PLACES, PAIRS);
}

/** @param without places in the list of faults, counted from 1, that are left out */
export function withoutFaults(scenario: Scenario, without: number[]): Scenario {
  return { ...scenario, faults: scenario.faults.filter((_, place) => !without.includes(place + 1)) };
}

export async function runAndJudge(scenario: Scenario, say?: (line: string) => void): Promise<Outcome> {
  const run = await runScenario(scenario, SETTINGS, say);
  return outcomeOf(run);
}

function outcomeOf(run: RunResult): Outcome {
  const { striker, scenario } = run;
  return {
    seed: scenario.seed,
    violations: violationsOf(run),
    occurred: [...striker.occurred],
    visited: [...striker.visited],
  };
}

/** The same for the same scenario, whatever machine it runs on. */
export async function historyDigest(scenario: Scenario): Promise<string> {
  const run = await runScenario(scenario, SETTINGS);
  return createHash('sha256').update(run.fingerprint()).digest('hex');
}
