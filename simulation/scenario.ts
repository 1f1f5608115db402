import type { MachineName } from '../statemachine/machine-names.ts';
import { detourTo } from './detours.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import type { Fault, FaultKind } from './faults.ts';
import type { Place } from './places.ts';
import { type Randomness, randomnessOf } from './randomness.ts';

/** Everything that is decided before a run begins; the same seed gives the same. */
export interface Scenario {
  seed: number;
  /** How the stack stands at first: without a database, loaded, or on PostgreSQL for eight days. */
  begins: 'bare' | 'prepared' | 'switched';
  /** What the operator starts, one after the other. */
  journey: MachineName[];
  /** Of a run that begins on PostgreSQL: since how many days. */
  daysOnTarget: number;
  onFailure: 'rollback' | 'hold';
  approve: boolean;
  deletesFileSystem: boolean;
  faults: Fault[];
  /** After how long the operator redrives what stands, while things still go wrong; then, with the faults gone, at once. */
  redrivesAfterSeconds: number[];
  /** What stands is given up by `restore` with takeOver and not redriven. */
  givesUp: boolean;
  /** At the very end every execution that has failed is redriven once more, days later: no harm may come of that. */
  redrivesAllDaysLater: boolean;
}

/** A pair that is looked for by a seed: every one that can be has its turn. */
export interface Pair {
  place: Place;
  kind: FaultKind;
}

/** `cutover.ScaleUp aborted`. */
export function nameOfPair({ place, kind }: Pair): string {
  return `${place.machine}.${place.state} ${kind.name}`;
}

/** Every place and what can go wrong there. */
export function pairsOf(places: Place[]): Pair[] {
  return places.flatMap((place) => FAULT_KINDS.filter((kind) => kind.applies(place)).map((kind) => ({ place, kind })));
}

/** The pair that a seed looks for: each has its turn, and neighbours of a seed look for something else. */
export function focusOf(seed: number, pairs: Pair[]): Pair {
  return pairs[(seed * 7_919) % pairs.length] as Pair;
}

/**
 * Whether a seed is to bring about its pair and nothing else: each third time that the pair has its turn. What else goes wrong
 * then is what leads there, and the fault strikes at the first call and early, when the state still has work to do.
 */
export function isAlone(seed: number, pairs: Pair[]): boolean {
  const place = (seed * 7_919) % pairs.length;
  return (Math.floor(seed / pairs.length) + place) % TURNS_UNTIL_ALONE === 0;
}

export const TURNS_UNTIL_ALONE = 3;

const EARLY = 0.25;

const DAY_SECONDS = 86_400;

export function scenarioOf(seed: number, places: Place[], pairs: Pair[]): Scenario {
  const random = randomnessOf(seed, 'scenario');
  const focus = focusOf(seed, pairs);
  const { machine, state } = focus.place;
  const detour = detourTo(focus, random);
  const journey = detour.journey ?? journeyTo(machine, random);
  const alone = isAlone(seed, pairs);
  const visit = alone || random.chance(0.85) ? 1 : 2;
  const amount = random.number() * (alone ? EARLY : 1);
  const faults: Fault[] = [...(detour.faults ?? []), { kind: focus.kind.name, machine, state, visit, amount }];
  faults.push(...beside(focus, alone, random));
  const more = alone ? 0 : random.one([0, 0, 1, 1, 2, 3]);
  const near = places.filter((place) => journey.includes(place.machine) || place.machine === machine);
  for (let left = more; left > 0; left -= 1) faults.push(drawn(near, random));
  return {
    seed,
    begins:
      journey[0] === 'prepare'
        ? 'bare'
        : journey[0] === 'rollback' || journey[0] === 'finalize'
          ? 'switched'
          : 'prepared',
    journey,
    daysOnTarget: !alone && random.chance(0.1) ? 3 : 8,
    onFailure: detour.onFailure ?? (random.chance(0.3) ? 'hold' : 'rollback'),
    approve: state === 'AskApproval' || random.chance(0.05),
    deletesFileSystem: detour.deletesFileSystem ?? random.chance(0.5),
    faults: !alone && random.chance(0.02) ? [] : faults,
    redrivesAfterSeconds: detour.redrivesAfterSeconds ?? drawnWaits(random),
    givesUp: detour.givesUp ?? random.chance(0.15),
    redrivesAllDaysLater: random.chance(0.25),
  };
}

/** What strikes the same call, so that the fault of the pair can come to pass there. */
function beside({ kind, place }: Pair, alone: boolean, random: Randomness): Fault[] {
  const { machine, state, resource } = place;
  const at = { machine, state, visit: 1 };
  // Whoever stops an execution does so when a call hangs; the function goes on all the same.
  if (kind.name === 'aborted' && resource === 'function' && (alone || random.chance(0.4)))
    return [{ kind: 'slow', ...at, amount: random.number() / 2 }];
  // An answer can be that of some seconds ago only where the same was asked then: by the call before, of which nobody heard.
  if (kind.name === 'stale answers' && alone) return [{ kind: 'answer lost', ...at, amount: 0 }];
  return [];
}

function journeyTo(machine: MachineName, random: Randomness): MachineName[] {
  if (machine === 'prepare') return random.chance(0.2) ? ['prepare', 'cutover'] : ['prepare'];
  if (machine === 'rollback') return random.chance(0.1) ? ['cutover', 'rollback'] : ['rollback'];
  if (machine === 'finalize') return ['finalize'];
  if (machine === 'cutover') return random.one([['cutover'], ['cutover'], ['cutover'], ['cutover', 'rollback']]);
  return random.one([['cutover'], ['cutover'], ['rollback']]);
}

/** None, one or two, some of them days. */
function drawnWaits(random: Randomness): number[] {
  return Array.from({ length: random.below(3) }, () =>
    random.chance(0.3) ? DAY_SECONDS * (1 + random.below(4)) : random.below(600),
  );
}

function drawn(places: Place[], random: Randomness): Fault {
  const place = random.one(places);
  const kinds = FAULT_KINDS.filter((kind) => kind.applies(place)).flatMap(
    (kind) => Array(kind.weight).fill(kind) as FaultKind[],
  );
  const { name } = random.one(kinds);
  return {
    kind: name,
    machine: place.machine,
    state: place.state,
    visit: 1 + random.below(2),
    amount: random.number(),
  };
}
