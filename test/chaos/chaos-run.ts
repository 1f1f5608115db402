import type { Reporter, TestModule, Vitest } from 'vitest/node';

declare module 'vitest' {
  interface TaskMeta {
    /** How many kills a test has made, by kind. */
    kills?: Record<string, number>;
  }
}

/** Closes `npm run test:chaos` with how many kills were made, and ends it when its time is over, whatever hangs. */
export class ChaosRun implements Reporter {
  readonly #minutesMax: number;
  #bound: NodeJS.Timeout | undefined;

  constructor(minutesMax: number) {
    this.#minutesMax = minutesMax;
  }

  onInit(vitest: Vitest): void {
    const end = (): void => {
      console.error(`FAILED: not at its end after ${this.#minutesMax} minutes, and ended.`);
      this.onTestRunEnd(vitest.state.getTestModules());
      process.exitCode = 1;
      // What the workers have started ends with them (rehearsal/reaper.ts).
      void vitest.exit(true);
    };
    this.#bound = setTimeout(end, this.#minutesMax * 60_000);
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    clearTimeout(this.#bound);
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    console.log(closingLines(tests.map((test) => test.meta().kills ?? {})).join('\n'));
  }
}

/** @returns a line for each kind of kill, in the order of the alphabet, and their sum last */
export function closingLines(ofTests: Record<string, number>[]): string[] {
  const sums = new Map<string, number>();
  for (const [kind, count] of ofTests.flatMap((kills) => Object.entries(kills))) {
    sums.set(kind, (sums.get(kind) ?? 0) + count);
  }
  const kinds = [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  return ['Kills:', ...kinds.map(([kind, count]) => `  ${kind}: ${count}`), `  all: ${total}`];
}
