import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Draws of one purpose; with the same seed always the same. */
export interface Randomness {
  /** From 0 to below 1. */
  number(): number;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
  chance(probability: number): boolean;
  one<T>(list: readonly T[]): T;
}

/**
 * @param purpose keeps apart what is drawn for different things: a fault that is left out must not change the rest of the run
 */
export function randomnessOf(seed: number, purpose: string): Randomness {
  const generator = xoroshiro128plus(createHash('sha256').update(`${seed} ${purpose}`).digest().readInt32LE());
  const number = (): number => uniformFloat64(generator);
  const below = (count: number): number => Math.floor(number() * count);
  return {
    number,
    below,
    chance: (probability) => number() < probability,
    one: (list) => list[below(list.length)] as never,
  };
}
