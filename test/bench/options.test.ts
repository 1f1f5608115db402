import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { RESULTS_DIRECTORY } from '../../bench/results.ts';

describe('the options of npm run bench', () => {
  it.each([
    [[], RESULTS_DIRECTORY],
    [['--results', 'elsewhere'], 'elsewhere'],
    // Figures of some contenders would stand in the place of those of all.
    [['--only', 'floor'], undefined],
    [['--only', 'floor', '--results', 'elsewhere'], 'elsewhere'],
  ])('%j keep the results in %s', (args, directory) => {
    expect(parseOptions(args).results).toBe(directory);
  });
});
