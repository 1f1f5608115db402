import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import type { RehearsalObserver } from '../rehearsal/stage.ts';
import { LiveModel } from '../report/live-state.ts';
import type { HistoryEventLike } from '../report/states.ts';
import { liveBlock } from './live-block.ts';
import { columnsUsed, FRAME_MILLISECONDS, openLiveTerminal } from './live-terminal.ts';
import { printableLines } from './printable.ts';
import { announcementLine, type Colors, migratorLines } from './rehearsal-lines.ts';

export interface RehearsalView extends RehearsalObserver {
  /** @param machine whose execution it is; the cutover's when it is not said */
  event(event: HistoryEventLike, machine?: string): void;
  readonly colors: Colors;
  /** Ends the live block, if there is one; to be called before anything else is written, and however the rehearsal ended. */
  end(): void;
}

type Environment = Record<string, string | undefined>;

/**
 * Shows a rehearsal as it happens: a line for each step, each state that ended, and what the migrator has to say; on a
 * terminal also, below them, what goes on at this moment.
 */
export function createRehearsalView(stream: WriteStream, environment: Environment): RehearsalView {
  const model = new LiveModel(() => performance.now());
  const colors = pc.createColors(isColored(stream, environment));
  const live = isLive(stream, environment);
  const { print, end } = live
    ? openLiveTerminal(stream, (columns) => liveBlock(model.state(), { columns, frame: frameNow(), colors }))
    : { print: (lines: string[]) => writeLines(stream, lines), end: () => {} };
  // What is no terminal has no width, and its lines look alike everywhere.
  const columns = (): number => (live ? columnsUsed(stream) : Number.POSITIVE_INFINITY);
  return {
    colors,
    step(text) {
      model.step();
      const [first = '', ...others] = printableLines(text);
      print([`- ${first}`, ...others.map((line) => `    ${line}`)]);
    },
    log(container, line) {
      const word = model.log(container, line);
      // A table that is still worked at stands in the block.
      if (word && !(live && word.kind === 'rows' && !word.done)) print(migratorLines(word));
    },
    event(event, machine) {
      print(model.event(event, machine).map((one) => announcementLine(one, columns(), colors)));
    },
    end,
  };
}

/** By the clock, so that lines which are printed meanwhile do not hurry the spinner. */
const frameNow = (): number => Math.floor(performance.now() / FRAME_MILLISECONDS);

function writeLines(stream: WriteStream, lines: string[]): void {
  if (lines.length > 0) stream.write(lines.map((line) => `${line}\n`).join(''));
}

/** A block that is redrawn needs a terminal that understands it and somebody who looks at it. */
function isLive(stream: WriteStream, { CI, TERM }: Environment): boolean {
  return stream.isTTY === true && TERM !== 'dumb' && (CI === undefined || ['', '0', 'false'].includes(CI));
}

/** picocolors' own answer is for `process.stdout` alone, and colours whatever a CI system logs. */
function isColored(stream: WriteStream, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  return FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY === true && TERM !== 'dumb';
}
