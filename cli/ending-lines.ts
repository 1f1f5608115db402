import { printableLines } from '../migrator/printable.ts';
import type { Ending } from '../report/ending.ts';
import type { Colors } from './execution-lines.ts';

/** How an execution ended, and what is to be done next, for a terminal. */
export function endingLines({ outcome, sentence, next, exitCode }: Ending, colors: Colors): string[] {
  // Further lines of a cause are set in, so that none can pose as one of ours.
  const [first = '', ...others] = printableLines(sentence);
  const paint = exitCode === null ? colors.bold : exitCode === 0 ? colors.green : colors.red;
  const [word = ''] = printableLines(outcome);
  return [
    `${paint(word)}: ${first}`,
    ...others.map((line) => `    ${line}`),
    ...next.flatMap(printableLines).map((line) => `  ${line}`),
  ];
}
