import { Argument, Command } from 'commander';
import { runChild } from './child-program.ts';

/** The programs in `bench/`; `all` runs them one after the other. */
const PARTS = ['all', 'migrator', 'rehearsal', 'rollback'];

interface BenchOptions {
  events?: string;
  seed?: string;
  rounds?: string;
  only?: string;
  results?: string;
}

export function benchCommand(program: Command): Command {
  return new Command('bench')
    .copyInheritedSettings(program)
    .summary('measure on this machine what the README promises')
    .description(
      'Measures on this machine, without AWS: the migrator against what PostgreSQL itself takes and against other ways to bring the same rows over, the rehearsal, and the rollback. Takes a quarter of an hour, and wants the machine for itself.',
    )
    .addArgument(new Argument('[part]', 'what is measured').choices(PARTS).default('all'))
    .option('--events <count>', 'migrator: events of the generated source (default: 200000)')
    .option('--seed <number>', 'migrator: the same number gives the same source (default: 1)')
    .option('--rounds <count>', 'migrator: how often each contender runs (default: 3)')
    .option('--only <names>', 'migrator: contenders to measure, with commas between them (default: all)')
    .option('--results <directory>', 'migrator: where table, plot and figures (JSON) go (default: bench/results)')
    .addHelpText(
      'after',
      `
Exit codes: 0 every goal that was measured was met, 1 one was missed (the last
lines say which) or a contender failed, 2 bad input

Examples:
  relay-cutover bench
  relay-cutover bench migrator --events 20000 --results ./figures
  relay-cutover bench rollback`,
    )
    .action(async (part: string, options: BenchOptions, command: Command) => {
      const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value as string]);
      if (given.length > 0 && part !== 'all' && part !== 'migrator') {
        command.error(`error: ${given[0]} is an option of the part migrator, not of ${part}`);
      }
      process.exitCode = await runChild({ script: `bench/${part}.ts`, args: given });
    });
}
