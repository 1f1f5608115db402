import { Refused } from '../statemachine/errors.ts';
import { type Mode, parseConfiguration } from './configuration.ts';
import { quarantinedRows } from './manifest.ts';
import { peakMemoryMebibytes } from './peak-memory.ts';
import { printableJson, printableLines } from './printable.ts';
import { createProgress } from './progress.ts';
import { run } from './run.ts';

/** The exit codes of the migrator; ECS passes them on, and both failures arrive as States.TaskFailed. */
export const EXIT_CODES = { verified: 0, failed: 1, refused: 2 } as const;

const CLOSING_LINES: Record<Mode, string> = {
  check: 'Check passed. Nothing was changed.',
  load: 'Migration completed successfully!',
  reconcile: 'Migration completed successfully!',
  verify: 'Source and target are equal.',
  'check-reverse': 'The way back is open. Nothing was changed.',
  reverse: 'Way back completed: SQLite holds everything that PostgreSQL holds.',
  archive: 'Every file is in the archive, and the database that came back from it is whole.',
};

/**
 * The migrator as a program: mode in, exit code out.
 *
 * @param environment SQLITE_PATH and DATABASE_URL as in runbook step 4; CUTOVER_RUN_ID, CUTOVER_SCRATCH_DIRECTORY,
 *   CUTOVER_VERIFIER_ROLE, CUTOVER_ALLOW_DELETIONS, CUTOVER_QUARANTINE, CUTOVER_EXCLUDE_TABLES, CUTOVER_GENERIC_TABLES and
 *   PGSSLROOTCERT may be set; `archive` needs CUTOVER_ARCHIVE_BUCKET and CUTOVER_ARCHIVE_PREFIX
 * @returns 0 verified, 1 failed and may be repeated, 2 refused
 */
export async function migrate(
  mode: string,
  options: { json?: boolean; environment?: NodeJS.ProcessEnv; output?: (line: string) => void } = {},
): Promise<number> {
  const json = options.json ?? false;
  const output = options.output ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const progress = createProgress(output, json);
  const result = (outcome: string, details: object): void => {
    const measured = { peakMemoryMebibytes: peakMemoryMebibytes() };
    output(printableJson({ time: new Date().toISOString(), event: 'result', outcome, ...measured, ...details }));
  };
  try {
    const manifest = await run(parseConfiguration(mode, options.environment ?? process.env), progress);
    if (json) result('verified', manifest ? { manifest } : {});
    else output(CLOSING_LINES[manifest?.mode ?? 'check']);
    const kept = manifest ? quarantinedRows(manifest) : 0;
    if (!json && kept > 0) output(`verified, ${kept} quarantined`);
    return EXIT_CODES.verified;
  } catch (error) {
    const outcome = error instanceof Refused ? 'refused' : 'failed';
    const { message } = error as Error;
    if (json) result(outcome, { message });
    else
      process.stderr.write(`${outcome === 'refused' ? 'Refused' : 'Failed'}: ${printableLines(message).join('\n')}\n`);
    return EXIT_CODES[outcome];
  }
}
