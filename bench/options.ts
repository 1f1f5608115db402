import { Command, InvalidArgumentError, Option } from 'commander';
import { CONTENDERS } from './contenders.ts';
import { RESULTS_DIRECTORY } from './results.ts';

export interface BenchOptions {
  events: number;
  seed: number;
  rounds: number;
  /** Of the directory for table, figures and plot; absent where they are only shown. */
  results?: string;
  /** Names of the contenders to measure; all of them where it is absent. */
  only?: string[];
}

const EVENTS_MIN = 1_000;
/** Fewer say nothing of how much the machine varies. */
const ROUNDS_MIN = 3;

/**
 * Reads the arguments; ends the process with 0 after `--help` and with 2 on anything that cannot be.
 *
 * @param args as in process.argv, from the third one on
 */
export function parseOptions(args: string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description(
      'Measures the migrator against the floor, which is what PostgreSQL itself takes, and against other ways to bring the same rows over.',
    )
    .option('--events <count>', 'events of the generated source', wholeNumber(EVENTS_MIN), 200_000)
    .option('--seed <number>', 'the same number gives the same source', wholeNumber(0), 1)
    .option('--rounds <count>', 'how often each contender runs', wholeNumber(ROUNDS_MIN), ROUNDS_MIN)
    .addOption(
      new Option(
        '--only <names>',
        `contenders to measure, with commas between them, of ${CONTENDERS.map(({ name }) => name).join(', ')} (default: all)`,
      ).argParser(contenderNames),
    )
    .addOption(
      new Option(
        '--results <directory>',
        'where table, figures and plot go; with --only nowhere, unless named',
      ).default(RESULTS_DIRECTORY, 'bench/results'),
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 every goal that was measured was met, 1 one was missed (the last lines say which) or a contender failed, 2 bad input

The goals are for 200,000 events and more; with fewer, the start of the programs weighs more than the rows.`,
    )
    .showHelpAfterError('(add --help for the usage)')
    // Wrong usage is bad input: exit code 2 as everywhere, where commander itself would say 1.
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .parse(args, { from: 'user' });
  const { results, ...options } = command.opts<Required<BenchOptions>>();
  // Figures of some contenders would stand in the place of those of all.
  const isKept = options.only === undefined || command.getOptionValueSource('results') !== 'default';
  return { ...options, ...(isKept && { results }) };
}

function contenderNames(text: string): string[] {
  const known = CONTENDERS.map(({ name }) => name);
  const names = text.split(',');
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`"${unknown.join(',')}": expected of ${known.join(', ')}.`);
  for (const { name, continues } of CONTENDERS)
    if (names.includes(name) && continues !== undefined && !names.includes(continues))
      throw new InvalidArgumentError(`"${name}" goes on where "${continues}" ends: name both.`);
  return names;
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= 2 ** 31 - 1) return number;
    throw new InvalidArgumentError(`Expected a whole number of at least ${least}, without separators.`);
  };
}
