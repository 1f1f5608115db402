/** A piece of HTML that is safe as it stands. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = Html | string | number | null | false | Piece[];

/**
 * Makes HTML of a template: every value is text and is escaped, but for what this function has made itself. Names, contents
 * and causes come from whoever writes to a relay.
 */
export function html(parts: TemplateStringsArray, ...values: Piece[]): Html {
  return new Html(parts.map((part, place) => part + (place < values.length ? safe(values[place]) : '')).join(''));
}

function safe(piece: Piece | undefined): string {
  if (piece === undefined || piece === null || piece === false) return '';
  if (Array.isArray(piece)) return piece.map(safe).join('');
  return piece instanceof Html ? piece.text : escaped(String(piece));
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** What no reader would see, or what turns the text around it about, is written as its number. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(text: string): string {
  return text
    .replace(INVISIBLE, (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** No more of a text than a reader wants on a page; the JSON form has all of it. */
export function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax
    ? text
    : `${text.slice(0, charactersMax)} [cut here: ${(text.length - charactersMax).toLocaleString('en-US')} more characters are in the JSON form]`;
}
