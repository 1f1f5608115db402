import type { WriteStream } from 'node:tty';
import { createLogUpdate } from 'log-update';
import stringWidth from 'string-width';

/** How often the block is drawn anew. */
export const FRAME_MILLISECONDS = 100;
const COLUMNS_WITHOUT_A_WORD = 80;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const ERASE_LINE = '\r\x1b[2K';
const UP_AND_ERASE = '\x1b[1A\x1b[2K';

/** A terminal with a block of lines that is redrawn in place, below the lines that scroll. */
export interface LiveTerminal {
  /** Prints lines for good, above the block. */
  print(lines: string[]): void;
  /** Erases the block and gives the cursor back; the terminal can be written to as ever. */
  end(): void;
}

/** @param draw gives the block's lines for that many columns, none of them wider, as often as it is drawn */
export function openLiveTerminal(stream: WriteStream, draw: (columns: number) => string[]): LiveTerminal {
  // log-update would hide the cursor of standard error, whichever stream it writes to.
  const update = createLogUpdate(stream, { showCursor: true });
  let shown: string[] = [];
  let ended = false;

  const erase = (): void => {
    update.clear();
    // Also without a block: the terminal itself writes "^C" where the cursor stands.
    stream.write(ERASE_LINE);
  };
  const redraw = (): void => {
    shown = draw(columnsUsed(stream)).slice(-rowsFree(stream));
    if (shown.length === 0) erase();
    else update(shown.join('\n'));
  };
  const resized = (): void => {
    // A terminal that has become narrower has broken the block's lines in two, and log-update counts them as one.
    const columns = columnsOf(stream);
    const more = shown.reduce((sum, line) => sum + Math.max(0, Math.ceil(stringWidth(line) / columns) - 1), 0);
    erase();
    stream.write(UP_AND_ERASE.repeat(more));
    redraw();
  };
  const end = (): void => {
    if (ended) return;
    ended = true;
    clearInterval(timer);
    stream.off('resize', resized);
    for (const name of ENDINGS) process.off(name, end);
    erase();
    stream.write(SHOW_CURSOR);
  };

  const timer = setInterval(redraw, FRAME_MILLISECONDS).unref();
  stream.on('resize', resized);
  for (const name of ENDINGS) process.once(name, end);
  stream.write(HIDE_CURSOR);
  redraw();
  return {
    print(lines) {
      if (lines.length === 0) return;
      if (!ended) erase();
      stream.write(lines.map((line) => `${line}\n`).join(''));
      if (!ended) redraw();
    },
    end,
  };
}

/** Ways out of the process on which nobody calls `end`: a second Ctrl-C, and an error that nobody caught, before it is printed. */
const ENDINGS = ['exit', 'uncaughtExceptionMonitor'] as const;

/** A terminal that does not know its size says 0. */
const columnsOf = (stream: WriteStream): number => stream.columns || COLUMNS_WITHOUT_A_WORD;

/** One column stays free: some terminals wrap as soon as the last one is written. */
export const columnsUsed = (stream: WriteStream): number => columnsOf(stream) - 1;

/** One line for the cursor, one for what has scrolled. */
const rowsFree = (stream: WriteStream): number => Math.max(1, (stream.rows || 24) - 2);
