import { printableLines } from '../migrator/printable.ts';
import { Refused } from '../statemachine/errors.ts';

/**
 * Says on the standard error what a command has failed with.
 *
 * @returns the exit code: 2 for what a repetition does not cure, else 1
 */
export function sayFailure(error: unknown): 1 | 2 {
  const refused = error instanceof Refused;
  process.stderr.write(`${refused ? 'Refused' : 'Failed'}: ${printableLines((error as Error).message).join('\n')}\n`);
  return refused ? 2 : 1;
}
