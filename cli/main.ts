import { Command } from 'commander';
import { migrateCommand } from './migrate.ts';

const program = new Command('relay-cutover')
  .description(
    'Moves a live ECS service from SQLite on EFS to PostgreSQL on RDS without losing, altering or doubling a row.',
  )
  .showHelpAfterError('(add --help for the usage)')
  .exitOverride((error) => {
    // Wrong usage is bad input: exit code 2 as everywhere, where commander itself would say 1.
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
program.addCommand(migrateCommand().copyInheritedSettings(program));

// Without a handler a signal ends the process at once, and with it the handlers that remove scratch copies.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code));

await program.parseAsync();
