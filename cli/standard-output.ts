import pc from 'picocolors';
import type { Colors } from './execution-lines.ts';
import { isColored } from './live-view.ts';

const COLUMNS_WITHOUT_A_WORD = 80;

/** What the standard output can show; what is no terminal has no width. */
export function standardOutput(): { colors: Colors; columns: number } {
  const { stdout, env } = process;
  return {
    colors: pc.createColors(isColored(stdout, env)),
    columns: stdout.isTTY ? stdout.columns || COLUMNS_WITHOUT_A_WORD : Number.POSITIVE_INFINITY,
  };
}
