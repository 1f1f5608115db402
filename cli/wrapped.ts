import stringWidth from 'string-width';

/** No line is made narrower than this, however narrow the terminal is. */
const COLUMNS_MIN = 24;

/**
 * Breaks a text of one line into lines that fit, at its spaces; a word that is longer than a line stays whole.
 *
 * @param columns of the terminal; infinite where there is none, and the text stays one line then
 * @param first what stands before the text
 * @param others what stands before the further lines
 */
export function wrapped(text: string, columns: number, first = '', others = ' '.repeat(stringWidth(first))): string[] {
  const width = Math.max(COLUMNS_MIN, columns);
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && stringWidth(line) + 1 + stringWidth(word) > width) {
      lines.push(line);
      line = others;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
