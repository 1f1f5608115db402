/** Text, or one control: a sequence that begins with CSI, a C0 character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal obeys
const PIECE = /\x1b\[([?\d;]*)([A-Za-z])|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]/gu;

/** What a terminal would show: as much of one as this project's output needs, and an error for everything else. */
export class Screen {
  /** From the first line on, those that have scrolled out of sight too. */
  readonly lines: string[][] = [[]];
  cursorVisible = true;
  #columns: number;
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  get text(): string {
    return this.lines.map((line) => line.join('').trimEnd()).join('\n');
  }

  write(output: string): void {
    for (const [piece, parameters, final] of output.matchAll(PIECE)) {
      if (final !== undefined) this.#obey(parameters ?? '', final);
      else if (piece === '\r') this.#column = 0;
      else if (piece === '\n') this.#down(1);
      else if (piece < ' ' || piece === '\x7f') throw new Error(`The output has ${JSON.stringify(piece)}.`);
      else this.#put(piece);
    }
  }

  /** Becomes narrower as most terminals do: lines that do not fit any more are broken. */
  narrow(columns: number): void {
    const rowsBefore = this.lines.slice(0, this.#row);
    const broken = (lines: string[][]): string[][] =>
      lines.flatMap((line) =>
        Array.from({ length: Math.max(1, Math.ceil(line.length / columns)) }, (_, part) =>
          line.slice(part * columns, (part + 1) * columns),
        ),
      );
    const rowsAfter = broken(this.lines.slice(this.#row));
    this.lines.splice(0, this.lines.length, ...broken(rowsBefore), ...rowsAfter);
    this.#row = this.lines.length - rowsAfter.length;
    this.#columns = columns;
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) {
      this.#column = 0;
      this.#down(1);
    }
    const line = this.lines[this.#row] as string[];
    while (line.length < this.#column) line.push(' ');
    line[this.#column++] = character;
  }

  #down(count: number): void {
    this.#row += count;
    while (this.lines.length <= this.#row) this.lines.push([]);
  }

  #obey(parameters: string, final: string): void {
    const count = Number(parameters || 1);
    const line = this.lines[this.#row] as string[];
    switch (`${parameters.startsWith('?') ? parameters : ''}${final}`) {
      case 'A':
        this.#row = Math.max(0, this.#row - count);
        break;
      case 'B':
        this.#down(count);
        break;
      case 'G':
        this.#column = count - 1;
        break;
      case 'K':
        if (parameters === '2') line.length = 0;
        else line.splice(this.#column);
        break;
      case '?25h':
      case '?25l':
        this.cursorVisible = final === 'h';
        break;
      // Colours, and the marks between which a terminal waits with its drawing, change nothing of the text.
      case 'm':
      case '?2026h':
      case '?2026l':
        break;
      default:
        throw new Error(`The output has the sequence ESC [ ${parameters} ${final}, which no part of it should need.`);
    }
  }
}
