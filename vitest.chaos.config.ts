import { defineConfig } from 'vitest/config';
import { ChaosRun } from './test/chaos/chaos-run.ts';
import { isFull } from './test/support/extent.ts';
import bounded from './vitest.config.ts';

/** What the whole may take, and each of its tests, on a machine that is busy with other things. */
const MINUTES_MAX = isFull ? 240 : 90;

/** Processes killed around every state of every machine, every fault, and the soak: `npm run test:chaos`. */
export default defineConfig({
  test: {
    ...bounded.test,
    include: ['test/chaos/**/*.test.ts', 'test/rehearsal/faults.test.ts'],
    exclude: [],
    reporters: ['default', new ChaosRun(MINUTES_MAX)],
    testTimeout: MINUTES_MAX * 60_000,
    // A killed database recovers slowly where others take the processor.
    maxWorkers: 2,
  },
});
