// What the migrator's container runs: `relay-cutover migrate` alone, so that its bundle holds nothing else.
import { migrateCommand } from './migrate.ts';

await migrateCommand()
  // Wrong usage is bad input: exit code 2 as everywhere, where commander itself would say 1.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parseAsync();
