import { defineConfig } from 'vitest/config';

/** What needs the emulator: `npm run test:emulator`. */
export default defineConfig({
  test: {
    include: ['test/emulator/**/*.test.ts'],
    globalSetup: ['test/emulator/global-python.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxConcurrency: 8,
    // Each file has an emulator of its own, a program of one thread that waits for another half of the time.
    maxWorkers: 2,
  },
});
