import { defineConfig } from 'vitest/config';
import bounded from './vitest.config.ts';

/** Processes killed around every state of every machine, every fault, and the soak: `npm run test:chaos`. */
export default defineConfig({
  test: {
    ...bounded.test,
    include: ['test/chaos/**/*.test.ts', 'test/rehearsal/faults.test.ts'],
    exclude: [],
    testTimeout: 1_800_000,
    // A killed database recovers slowly where others take the processor.
    maxWorkers: 2,
  },
});
