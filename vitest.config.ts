import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // `npm run test:emulator` and `npm run test:chaos` run these.
    exclude: ['test/emulator/**', 'test/chaos/**'],
    globalSetup: ['test/support/global-postgres.ts'],
    setupFiles: ['test/support/drop-databases.ts'],
    // The SDK warns of Node 20 in every process; the functions themselves run on Node 24.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // Two cores: each file starts processes of its own, and waits for them and for clocks. Three workers left a core idle now and then.
    maxWorkers: 4,
    // A worker loads the modules once and not for every file, a sixth of the whole. So a test puts back what it changes of the process
    // (`vi.stubEnv`, `vi.spyOn`, no `vi.mock`), and a file in test/support registers no hook when it is loaded.
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
});
