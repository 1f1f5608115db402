import { mergeConfig } from 'vitest/config';
import bounded from './vitest.config.ts';

/** Everything of which `npm test` has a part: `npm run test:full`. */
export default mergeConfig(bounded, {
  test: {
    env: { RELAY_CUTOVER_TEST_EXTENT: 'full' },
    testTimeout: 1_800_000,
  },
});
