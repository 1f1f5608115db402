import { nameOfPair, type Pair } from './scenario.ts';

/** How often each pair of a state and a fault came to pass. */
export interface Coverage {
  add(occurred: string[]): void;
  /** Pairs that could have come to pass and did not. */
  missing(): string[];
  /** A table for each machine: a line for each state, its faults with how often. */
  lines(): string[];
  summary(): string;
}

export function createCoverage(pairs: Pair[]): Coverage {
  const counts = new Map(pairs.map((pair) => [nameOfPair(pair), 0]));
  const missing = (): string[] => [...counts].filter(([, count]) => count === 0).map(([name]) => name);
  return {
    add(occurred) {
      for (const name of occurred) counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    missing,
    lines() {
      const states = [...new Set(pairs.map(({ place }) => `${place.machine}.${place.state}`))];
      const width = Math.max(...states.map(({ length }) => length));
      return states.map((state) => {
        const mine = pairs.filter(({ place }) => `${place.machine}.${place.state}` === state);
        return `${state.padEnd(width)}  ${mine.map((pair) => `${pair.kind.name} ${counts.get(nameOfPair(pair))}`).join(', ')}`;
      });
    },
    summary() {
      const seen = counts.size - missing().length;
      return `${seen} of ${counts.size} pairs of a state and a fault came to pass.`;
    },
  };
}
