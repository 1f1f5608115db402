export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** The median and both ends of some numbers; undefined for none. */
export function spreadOf(numbers: number[]): Spread | undefined {
  const sorted = numbers.toSorted((one, other) => one - other);
  const [lower, upper] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (lower === undefined || upper === undefined) return undefined;
  return { median: (lower + upper) / 2, least: sorted[0] as number, most: sorted.at(-1) as number };
}

/** The ratio of each round: two figures of the same minutes, since a machine is not equally fast all the time. */
export function ratiosByRound(numbers: number[], others: number[]): number[] {
  return numbers.slice(0, others.length).map((number, round) => number / (others[round] as number));
}
