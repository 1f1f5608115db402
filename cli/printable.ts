/**
 * Control characters, the C1 ones and escape sequences' introducers among them, and what turns the direction of text
 * around: a terminal obeys them, and a relay's data may hold any.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text as one line that a terminal only shows: everything that it would obey is written as an escape. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character.charCodeAt(0)));
}

/** As `printable`, for texts of several lines. */
export function printableLines(text: string): string[] {
  return text.split(/\r?\n/).map(printable);
}

const escaped = (code: number): string =>
  code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
