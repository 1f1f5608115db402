import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { approveCommand, rejectCommand } from './answer.ts';
import { migrateCommand } from './migrate.ts';
import { rehearseCommand } from './rehearse.ts';
import { templateCommand } from './template.ts';

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
program.addCommand(rehearseCommand().copyInheritedSettings(program));
program.addCommand(migrateCommand().copyInheritedSettings(program));
program.addCommand(templateCommand(program));
program.addCommand(approveCommand(program));
program.addCommand(rejectCommand(program));

await program.parseAsync();
