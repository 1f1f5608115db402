import { readFileSync } from 'node:fs';
import { Command } from 'commander';

/** Makes the commands of one file. */
type Load = (program: Command) => Promise<Command[]>;

/** The commands in the order of the help, and the files that they come from. */
const COMMANDS: [names: string[], load: Load][] = [
  [['rehearse'], async () => [(await import('./rehearse.ts')).rehearseCommand()]],
  [['plan'], async (program) => [(await import('./plan.ts')).planCommand(program)]],
  [['deploy'], async (program) => [(await import('./deploy.ts')).deployCommand(program)]],
  [
    ['prepare', 'start', 'rollback', 'finalize', 'restore'],
    async (program) => (await import('./start.ts')).startCommands(program),
  ],
  [['watch'], async (program) => [(await import('./watch.ts')).watchCommand(program)]],
  [['status'], async (program) => [(await import('./status.ts')).statusCommand(program)]],
  [['history'], async (program) => [(await import('./history.ts')).historyCommand(program)]],
  [['report'], async (program) => [(await import('./report.ts')).reportCommand(program)]],
  [
    ['approve', 'reject'],
    async (program) => {
      const { approveCommand, rejectCommand } = await import('./answer.ts');
      return [approveCommand(program), rejectCommand(program)];
    },
  ],
  [['redrive'], async (program) => [(await import('./redrive.ts')).redriveCommand(program)]],
  [['migrate'], async () => [(await import('./migrate.ts')).migrateCommand()]],
  [['template'], async (program) => [(await import('./template.ts')).templateCommand(program)]],
  [
    ['completion'],
    async (program) => [(await import('./completion.ts')).completionCommand(program, () => createProgram())],
  ],
  [['bench'], async (program) => [(await import('./bench.ts')).benchCommand(program)]],
];

/**
 * The command line of `relay-cutover`, ready to parse.
 *
 * @param name the command that will be asked for: only its file is loaded, since all of them take seconds; without a known
 *   name, such as for the help, all are there
 */
export async function createProgram(name?: string): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('relay-cutover')
    .description(
      'Moves a live ECS service from SQLite on EFS to PostgreSQL on RDS without losing, altering or doubling a row.',
    )
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('(add --help for the usage)')
    .exitOverride((error) => {
      // Wrong usage is bad input: exit code 2 as everywhere, where commander itself would say 1.
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  const meant = COMMANDS.filter(([names]) => name !== undefined && names.includes(name));
  for (const [, load] of meant.length > 0 ? meant : COMMANDS) {
    for (const command of await load(program)) program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}
