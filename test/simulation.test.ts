import { describe, expect, it } from 'vitest';
import { bundleSeeds } from '../simulation/bundle.ts';
import { createCoverage } from '../simulation/coverage.ts';
import { MUTATIONS, type Mutation } from '../simulation/mutations.ts';
import { runSeeds } from '../simulation/processes.ts';
import {
  historyDigest,
  type Outcome,
  PAIRS,
  runAndJudge,
  scenarioOfSeed,
  seedsFrom,
  seedsLookingFor,
  withoutFaults,
} from '../simulation/seed.ts';
import { isFull } from './support/extent.ts';

const SEEDS = isFull ? 3_000 : 80;
const MUTATIONS_BOUNDED = [
  'the switch sets the desired count to 1',
  'the lock is taken from an execution that runs',
  'authority is not taken before the new relay starts',
];
const MUTATION_SEEDS_MAX = isFull ? 2_000 : 60;

/** Outcomes of seeds, in the order in which they come; `listen` says when it has enough. */
async function outcomesOf(edits: Mutation[], seeds: number[], listen: (outcome: Outcome) => boolean): Promise<void> {
  const bundle = await bundleSeeds('test', edits);
  try {
    await runSeeds(bundle.path, seeds, isFull ? 2 : 1, listen);
  } finally {
    bundle.remove();
  }
}

describe('simulation', () => {
  it(`keeps every property in ${SEEDS} seeds`, async () => {
    const broken: Outcome[] = [];
    const seen = new Set<string>();
    let seeds = 0;
    await outcomesOf([], seedsFrom(1, SEEDS), ({ occurred, ...outcome }) => {
      seeds += 1;
      for (const pair of occurred) seen.add(pair);
      if (outcome.violations.length > 0) broken.push({ ...outcome, occurred });
      return true;
    });
    expect(broken).toEqual([]);
    expect(seeds).toBe(SEEDS);
    // Faults that do not strike would break nothing either.
    expect(seen.size).toBeGreaterThan(SEEDS / 3);
  });

  it('goes the same way with the same seed, and another one with another', async () => {
    const [one, again, other] = [
      await historyDigest(scenarioOfSeed(7)),
      await historyDigest(scenarioOfSeed(7)),
      await historyDigest(scenarioOfSeed(8)),
    ];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  it('leaves out faults by their number, and goes the same way without them each time', async () => {
    const scenario = scenarioOfSeed(7);
    const all = scenario.faults.map((_, place) => place + 1);
    const { occurred } = await runAndJudge(withoutFaults(scenario, all));
    expect(occurred).toEqual([]);
  });

  it('counts how often each pair of a state and a fault came to pass, and names those that never did', () => {
    const coverage = createCoverage(PAIRS.slice(0, 2));
    const [first, second] = PAIRS.slice(0, 2).map(({ place, kind }) => `${place.machine}.${place.state} ${kind.name}`);
    coverage.add([first as string]);
    expect(coverage.missing()).toEqual([second]);
    expect(coverage.summary()).toBe('1 of 2 pairs of a state and a fault came to pass.');
  });

  it('refuses a break of the source whose text is not there any more', async () => {
    const edit = { file: 'lambdas/deadline.ts', find: 'no such text', replace: '' };
    await expect(bundleSeeds('refused', [edit])).rejects.toThrow(
      'In lambdas/deadline.ts this stands 0 times, and has to stand once: no such text',
    );
  });

  const chosen = MUTATIONS.filter(({ title }) => isFull || MUTATIONS_BOUNDED.includes(title));
  it.each(chosen)('catches that $title', async (mutation) => {
    let caught: string | undefined;
    await outcomesOf(
      [mutation],
      seedsLookingFor(mutation.seenAt ?? /./, MUTATION_SEEDS_MAX),
      ({ violations: [violation] }) => {
        caught = violation?.property;
        return caught === undefined;
      },
    );
    expect(caught).toBeDefined();
  });

  it('has as many breaks as are chosen, each found in the source by the bundler', () => {
    expect(chosen).toHaveLength(isFull ? MUTATIONS.length : MUTATIONS_BOUNDED.length);
  });
});
