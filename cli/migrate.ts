import { Command } from 'commander';
import { MODES } from '../migrator/configuration.ts';
import { migrate } from '../migrator/main.ts';

interface Options {
  json?: boolean;
  allowDeletions?: boolean;
  quarantine?: boolean;
  exclude?: string[];
  generic?: string[];
}

const listed = (name: string, earlier: string[] = []): string[] => [...earlier, name];

export function migrateCommand(): Command {
  return new Command('migrate')
    .summary('copy, compare and verify the data; SQLITE_PATH and DATABASE_URL name the two databases')
    .description(`Copies a relay's data from SQLite to PostgreSQL and proves that it is equal.

Modes:
  check      look at the source (and the target, if named): everything that would stop a cutover, at once
  load       copy all tables while the relay may be live; run again, bring the copy up to date
  reconcile  after the relay has stopped: compare every row and make the target exactly equal
  verify     compare every row, change nothing
  reverse    the way back, after the new relay has stopped: make the SQLite file equal to PostgreSQL; the old files are kept
  check-reverse
             try the way back on a copy while the new relay serves: everything that would stop a rollback; nothing is written
  archive    long after a cutover: bring every file of the data directory into an S3 bucket, read each back and open the database`)
    .argument('<mode>', MODES.join(' | '))
    .option('--json', 'one JSON object a line: progress, moments and the result')
    .option(
      '--allow-deletions',
      'reverse: delete more of the SQLite file than 1% and 10 rows of a table, and leave behind what SQLite has no place for',
    )
    .option(
      '--quarantine',
      'check, load, reconcile, verify: rows that PostgreSQL cannot hold, tags without an event and events with a wrong id stay out of the target, whole in cutover.quarantine; all others go over',
    )
    .option('--exclude <table>', 'leave a table of no known kind behind (repeatable)', listed)
    .option(
      '--generic <table>',
      'bring a table of no known kind over as it is, with types that all its values have (repeatable)',
      listed,
    )
    .addHelpText(
      'after',
      `
Environment:
  SQLITE_PATH                the SQLite file, for example /app/data/db; it is
                             only read, but for reverse
  DATABASE_URL               postgres://user:password@host:port/database
                             [?sslmode=disable|no-verify|require|verify-full]
  CUTOVER_RUN_ID             name of the run in cutover.run (default:
                             manual/<time>)
  CUTOVER_SCRATCH_DIRECTORY  where the scratch copy is made (default: the
                             temporary directory)
  CUTOVER_ALLOW_DELETIONS    1 is the same as --allow-deletions
  CUTOVER_QUARANTINE         1 is the same as --quarantine
  CUTOVER_EXCLUDE_TABLES     JSON list, the same as --exclude for each
  CUTOVER_GENERIC_TABLES     JSON list, the same as --generic for each
  CUTOVER_VERIFIER_ROLE      role to create for the verification (default: none)
  CUTOVER_ARCHIVE_BUCKET     archive: the bucket; the AWS SDK's own variables
                             say how to sign in
  CUTOVER_ARCHIVE_PREFIX     archive: how the keys begin, for example relay/
  CUTOVER_ARCHIVE_IGNORE     archive: JSON list of files that are left out
                             (default: ["db-shm"])
  PGSSLROOTCERT              CA certificates to trust instead of the RDS bundle
                             and the system's

Exit codes: 0 verified, 1 failed and may be repeated, 2 refused (the message
says what to do)

Example:
  export SQLITE_PATH=./db DATABASE_URL=postgres://me:secret@127.0.0.1/relay
  relay-cutover migrate load`,
    )
    .action(async (mode: string, options: Options) => {
      // Without a handler a signal ends the process at once, and with it the handlers that remove the scratch copy.
      process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
      process.exitCode = await migrate(mode, {
        json: options.json ?? false,
        environment: {
          ...process.env,
          ...(options.allowDeletions && { CUTOVER_ALLOW_DELETIONS: '1' }),
          ...(options.quarantine && { CUTOVER_QUARANTINE: '1' }),
          ...(options.exclude && { CUTOVER_EXCLUDE_TABLES: JSON.stringify(options.exclude) }),
          ...(options.generic && { CUTOVER_GENERIC_TABLES: JSON.stringify(options.generic) }),
        },
      });
    });
}
