import { describe, expect, it } from 'vitest';
import { nameOf } from '../../simulation/faults.ts';
import { PAIRS, pairOfSeed, runAndJudge, scenarioOfSeed, seedsAlone } from '../../simulation/seed.ts';

/** Pairs to which only a detour leads, or what strikes the same call. */
const HARD = [
  'cutover.Hold answer lost',
  'cutover.Reassess task started by hand',
  'cutover.AssertQuiet stale answers',
  'cutover.Preflight deployed by hand',
  'cutover.ExecuteHoldWayBack stale answers',
  'restore.HoldOnTarget answer lost',
  'rollback.FindOriginal killed midway',
  'rollback.ExecuteSettleKept circuit breaker',
  'finalize.AwaitFileSystemGone aborted',
];

describe('seeds that bring about one pair alone', () => {
  it('are one for each pair', () => {
    const pairs = seedsAlone().map(pairOfSeed);
    expect(new Set(pairs).size).toBe(PAIRS.length);
    expect(pairs).toHaveLength(PAIRS.length);
  });

  // All of them: `npm run simulate -- --alone`.
  it('bring it about', async () => {
    const chosen = seedsAlone().filter((seed) => HARD.includes(pairOfSeed(seed)));
    expect(chosen).toHaveLength(HARD.length);
    const missed: string[] = [];
    for (const seed of chosen) {
      const scenario = scenarioOfSeed(seed);
      const { occurred } = await runAndJudge(scenario);
      if (!occurred.includes(pairOfSeed(seed))) missed.push(`seed ${seed}: ${scenario.faults.map(nameOf).join('; ')}`);
    }
    expect(missed).toEqual([]);
  });
});
