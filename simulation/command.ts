import { Command, InvalidArgumentError } from 'commander';
import { bundleSeeds } from './bundle.ts';
import { createCoverage } from './coverage.ts';
import { nameOf } from './faults.ts';
import { checkMutations } from './mutate.ts';
import { runSeeds } from './processes.ts';
import {
  type Outcome,
  PAIRS,
  pairOfSeed,
  runAndJudge,
  scenarioOfSeed,
  seedsAlone,
  seedsFrom,
  withoutFaults,
} from './seed.ts';
import { shrink } from './shrink.ts';

/** With so many seeds every pair has had its turn several times, and one that never came to pass is a gap. */
const SEEDS_FOR_ALL_PAIRS = 10_000;
const SHOWN_MAX = 5;

interface Options {
  seeds: number;
  from: number;
  seed?: number;
  without: number[];
  trace?: true;
  coverage?: true;
  alone?: true;
  mutations?: true;
  only?: string;
  processes: number;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

export function simulateCommand(): Command {
  return (
    new Command('npm run simulate --')
      .description(
        'Runs the state machines and functions on a virtual clock, in a model of the cloud that misbehaves by seed.',
      )
      .option('--seeds <count>', 'how many seeds to run', wholeNumber, 1_000)
      .option('--from <seed>', 'the first of them', wholeNumber, 1)
      .option('--seed <seed>', 'run this one alone, and say what went wrong in it', wholeNumber)
      .option('--without <faults>', 'leave out these of its faults, by number: 1,3', numbers, [])
      .option('--trace', 'show all that happens in it: states, faults, the clock')
      .option('--coverage', 'show how often each fault struck each state, and fail where one never did')
      .option(
        '--alone',
        'of every pair of a state and a fault run a seed that brings about that alone, and name those in which it did not',
      )
      .option('--mutations', 'break the source on purpose, and see that each break is caught')
      .option('--only <words>', 'of the breaks, those whose title has these words')
      .option('--processes <count>', 'how many processes at a time', wholeNumber, 2)
      .addHelpText(
        'after',
        `
Exit codes: 0 when all held, 1 when a property was broken, a break of the source was not caught, or a pair never came to pass
(the last one from ${SEEDS_FOR_ALL_PAIRS} seeds on, or with --coverage or --alone), 2 bad input.

Examples:
  npm run simulate -- --seeds 10000
  npm run simulate -- --seed 4711 --without 2 --trace
  npm run simulate -- --mutations --only authority`,
      )
      .showHelpAfterError('(add --help for the usage)')
      // Wrong usage is bad input: exit code 2 as everywhere, where commander itself would say 1.
      .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
      .action(async (options: Options) => {
        process.exitCode = await simulate(options);
      })
  );
}

function numbers(text: string): number[] {
  return text.split(',').map(wholeNumber);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 2 ** 31 - 1) return number;
  throw new InvalidArgumentError('Expected a whole number from 1 on, without separators.');
}

async function simulate(options: Options): Promise<number> {
  if (options.mutations) return checkMutations({ ...options, say });
  if (options.seed !== undefined) return runOne(options.seed, options);
  return runMany(options);
}

async function runOne(seed: number, { without, trace }: Options): Promise<number> {
  const scenario = scenarioOfSeed(seed);
  const { begins, journey, onFailure } = scenario;
  say(`Seed ${seed}: begins ${begins}, ${journey.join(', ')}, onFailure ${onFailure}`);
  for (const [place, fault] of scenario.faults.entries())
    say(`  ${place + 1}  ${nameOf(fault)}${without.includes(place + 1) ? ' (left out)' : ''}`);
  const outcome = await runAndJudge(withoutFaults(scenario, without), trace ? say : undefined);
  for (const { property, seen } of outcome.violations) say(`BROKEN  ${property}: ${seen}`);
  if (outcome.violations.length === 0) say('All properties hold.');
  return outcome.violations.length === 0 ? 0 : 1;
}

async function runMany({ seeds: count, from, coverage: isAsked, alone, processes }: Options): Promise<number> {
  const seeds = alone ? seedsAlone() : seedsFrom(from, count);
  const bundle = await bundleSeeds('seeds');
  const coverage = createCoverage(PAIRS);
  const broken: Outcome[] = [];
  let done = 0;
  try {
    await runSeeds(bundle.path, seeds, processes, (outcome) => {
      done += 1;
      coverage.add(alone ? outcome.occurred.filter((pair) => pair === pairOfSeed(outcome.seed)) : outcome.occurred);
      if (outcome.violations.length > 0) broken.push(outcome);
      if (done % 500 === 0) say(`${done} seeds, ${broken.length} broken. ${coverage.summary()}`);
      return true;
    });
  } finally {
    bundle.remove();
  }
  if (isAsked) for (const line of coverage.lines()) say(line);
  for (const outcome of broken.sort((one, other) => one.seed - other.seed).slice(0, SHOWN_MAX)) await explain(outcome);
  say(`${done} seeds, ${broken.length} broken. ${coverage.summary()}`);
  if (broken.length > SHOWN_MAX)
    say(
      `Others: ${broken
        .slice(SHOWN_MAX, 40)
        .map(({ seed }) => seed)
        .join(', ')}`,
    );
  const missing = isAsked || alone || count >= SEEDS_FOR_ALL_PAIRS ? coverage.missing() : [];
  if (missing.length > 0) say(`Never came to pass: ${missing.join('; ')}`);
  return broken.length > 0 || missing.length > 0 || done < seeds.length ? 1 : 0;
}

/** Says what was broken, by the fewest faults, and how to see it. */
async function explain({ seed, violations }: Outcome): Promise<void> {
  const [first] = violations;
  if (!first) return;
  const scenario = scenarioOfSeed(seed);
  const shrunk = await shrink(scenario, first.property);
  const without = shrunk?.without ?? [];
  const seen = shrunk?.outcome.violations.find(({ property }) => property === first.property)?.seen ?? first.seen;
  say(`Seed ${seed} breaks "${first.property}": ${seen}`);
  const left = scenario.faults.filter((_, place) => !without.includes(place + 1));
  say(`  with ${left.map(nameOf).join('; ') || 'no fault at all'}`);
  say(`  npm run simulate -- --seed ${seed}${without.length > 0 ? ` --without ${without.join(',')}` : ''} --trace`);
}
