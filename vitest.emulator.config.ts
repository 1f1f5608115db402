import { defineConfig } from 'vitest/config';

/** What needs the emulator: `npm run test:emulator`. */
export default defineConfig({
  test: {
    include: ['test/emulator/**/*.test.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxConcurrency: 8,
    // Two cores, and each file has an emulator of its own.
    fileParallelism: false,
  },
});
