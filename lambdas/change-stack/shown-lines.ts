import { changedLines } from '../preflight/preview.ts';
import { removeRecord } from '../template-edits/record.ts';
import { withoutSecrets } from './stack.ts';

/** What the history is told of a change of the template. */
export interface ShownChange {
  diff?: string[];
  note?: string;
}

/** Enough for every edit of ours; the whole of it counts against the 256 KiB that a state may hand on. */
const LINES_BYTES_MAX = 12 * 1024;

/**
 * The changed lines of a template for whoever reads the history or the report: of the text, which has no parameter values, and
 * without the lines beside them, which may hold secrets in plain text: so the record that the switch leaves in the text, which
 * has such lines, is not shown either.
 */
export function shownLines(before: string, after: string): ShownChange {
  const lines = changedLines(removeRecord(before), removeRecord(after)).map(withoutSecrets);
  let bytes = 0;
  const tooMany = lines.findIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > LINES_BYTES_MAX;
  });
  if (tooMany === -1) return { diff: lines };
  return {
    diff: lines.slice(0, tooMany),
    note: `Cut here: ${lines.length - tooMany} more lines change, which the change set itself has.`,
  };
}

/** The original differs in what people have written, and nobody knows which lines of that are for all eyes. */
export function wholeOriginal(key: string): ShownChange {
  return { note: `The template goes back whole to what was kept as ${key}; its lines are not shown here.` };
}
