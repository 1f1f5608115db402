import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import { printableLines } from '../migrator/printable.ts';
import { LiveModel } from '../report/live-state.ts';
import type { HistoryEventLike } from '../report/states.ts';
import { announcementLine, type Colors, migratorLines } from './execution-lines.ts';
import { liveBlock } from './live-block.ts';
import { columnsUsed, FRAME_MILLISECONDS, openLiveTerminal } from './live-terminal.ts';

/** Shows executions, of a rehearsal or of the account, as they happen. */
export interface LiveView {
  /** Something beside the executions has happened. */
  step(text: string): void;
  /** A line of a container's log; that of the container `migrate` tells of rows. */
  log(container: string, line: string): void;
  /** @param machine whose execution it is; the cutover's when it is not said */
  event(event: HistoryEventLike, machine?: string): void;
  readonly colors: Colors;
  /** Ends the live block, if there is one; to be called before anything else is written, and however it ended. */
  end(): void;
}

export interface LiveViewOptions {
  /** What is said of an execution that begins. */
  beginning: string;
  /** The time of the executions' own clock in milliseconds; without it, it is read off the events. */
  clock?: () => number;
}

type Environment = Record<string, string | undefined>;

/**
 * Opens a view: a line for each step, each state that ended, and what the migrator has to say; on a terminal also, below
 * them, what goes on at this moment.
 */
export function createLiveView(
  stream: WriteStream,
  environment: Environment,
  { beginning, clock }: LiveViewOptions,
): LiveView {
  const model = new LiveModel(() => performance.now(), clock);
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
      print(model.event(event, machine).map((one) => announcementLine(one, { columns: columns(), colors, beginning })));
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
export function isColored(stream: WriteStream, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  return FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY === true && TERM !== 'dumb';
}
