import { expect } from 'vitest';
import { isFull, part } from './extent.ts';
import { migratePlace, type Place, runUntilKilled } from './migrator.ts';
import { dropDatabase } from './postgres.ts';
import { isOfStatement } from './statement-moments.ts';
import { forEachOf } from './two-at-a-time.ts';

/** In no ratio to the three moments that each statement has, so that each kind of them comes up. */
const STEP = 61;
/** Connections work side by side, and how often they ask varies: a few runs end before their number has come. */
const MISSED_SHARE_MAX = 0.05;

export interface Enumeration {
  mode: 'load' | 'reconcile' | 'reverse';
  /** Makes a source and a target that nobody else uses, the same each time. */
  place(): Promise<Place>;
  /** Looks at them after the run that was killed and the one that went on. */
  assertEqual(place: Place, moment: string): Promise<void>;
  /** Named moments at which nothing can be expected that another one does not show; a full run has them too. */
  skipped?: RegExp;
}

/**
 * Kills the migrator at each of its moments in turn, those that it names itself and those around every statement and
 * batch; runs it again, which must end with 0; and has the databases looked at. Outside of a full run, at every second one that
 * it names and at some of the others.
 *
 * @returns all moments of a run that nobody kills
 */
export async function killAtEveryMoment({ mode, place, assertEqual, skipped }: Enumeration): Promise<string[]> {
  const moments = await momentsOf(mode, await place());
  const numbered = moments.map((moment, index) => ({ moment, number: index + 1 }));
  const ofStatements = numbered.filter(({ moment }) => isOfStatement(moment));
  const named = numbered.filter(({ moment }) => !isOfStatement(moment));
  const chosen = [
    ...part(ofStatements, STEP),
    ...part(
      named.filter(({ moment }) => isFull || !skipped?.test(moment)),
      2,
    ),
  ];
  const missed: string[] = [];
  await forEachOf(chosen, async ({ moment, number }) => {
    const one = await place();
    const killed = await runUntilKilled(mode, number, one);
    if (killed.signal === null && killed.code === 0) missed.push(moment);
    else expect({ moment, ...killed }).toMatchObject({ moment, signal: 'SIGKILL' });
    expect({ moment, ...(await migratePlace(mode, one)) }).toMatchObject({ moment, code: 0 });
    await assertEqual(one, moment);
    await dropDatabase(one.url);
  });
  console.log(
    `enumerated ${moments.length} moments of ${mode}, killed at ${chosen.length - missed.length} of them, ${missed.length} did not come`,
  );
  expect(missed.length, missed.join('; ')).toBeLessThanOrEqual(MISSED_SHARE_MAX * chosen.length);
  return moments;
}

/** Runs a mode to its end and gives its moments. */
export async function momentsOf(mode: string, place: Place): Promise<string[]> {
  const { code, stdout, stderr } = await runUntilKilled(mode, 0, place);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}
