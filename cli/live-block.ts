import stringWidth from 'string-width';
import { printable } from '../migrator/printable.ts';
import type { LiveState, RunningState } from '../report/live-state.ts';
import type { TableProgress } from '../report/migrator-log.ts';
import { askedText, type Colors, countText, nameWidth, padded, secondsText } from './execution-lines.ts';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** A Map may have forty iterations at a time; the block must leave place for what has ended. */
const STATES_SHOWN_MAX = 8;
const BAR_WIDTH_MAX = 30;
const BAR_WIDTH_MIN = 10;

export interface Drawing {
  columns: number;
  /** Counts up from one drawing to the next; it turns the spinner. */
  frame: number;
  colors: Colors;
}

/** The lines of the live block, none of them wider than the terminal. */
export function liveBlock(state: LiveState, drawing: Drawing): string[] {
  const { columns, colors } = drawing;
  const shown = state.running.slice(0, STATES_SHOWN_MAX);
  const hidden = state.running.length - shown.length;
  return [
    ...(state.preparingSeconds === null ? [] : [runningLine('Preparing', state.preparingSeconds, '', drawing)]),
    ...shown.map((running) => runningLine(nameOf(running), running.seconds, notesOn(running), drawing)),
    ...(hidden > 0 ? [cut(`    and ${hidden} more`, columns)] : []),
    ...state.tables.flatMap((table) => tableLines(table, columns)),
    ...(state.writeStop ? [writeStopLine(state.writeStop, columns, colors)] : []),
  ];
}

function runningLine(name: string, seconds: number, notes: string, { columns, frame, colors }: Drawing): string {
  const width = nameWidth(columns);
  const spinner = SPINNER[frame % SPINNER.length] as string;
  // Cut before it is coloured, so that no half of a colour's sequence is left.
  const head = cut(`  ${spinner} ${padded(cut(name, width), width)} `, columns);
  return head + colors.dim(cut(`${secondsText(seconds)}${notes}`, columns - stringWidth(head)));
}

function nameOf({ name, table }: RunningState): string {
  return printable(table === null ? name : `${name} ${table}`);
}

function notesOn({ retries, error, iterations }: RunningState): string {
  const done = iterations ? `  ${iterations.done} of ${iterations.total} done` : '';
  const again = error === null ? '' : `  after ${printable(error)}`;
  return `${done}${askedText(retries)}${again}`;
}

function tableLines(progress: TableProgress, columns: number): string[] {
  const { verb, table, rows, total, rowsPerSecond, etaSeconds } = progress;
  const share = total > 0 ? Math.min(1, Math.max(0, rows / total)) : 0;
  const figures = [
    `${countText(rows)} of ${countText(total)} rows`,
    `${Math.floor(share * 100)}%`.padStart(3),
    `${durationText(etaSeconds)} left`,
    `${countText(rowsPerSecond)} rows/s`,
  ];
  const room = columns - 6 - BAR_WIDTH_MIN;
  while (figures.length > 1 && stringWidth(figures.join('  ')) + 1 > room) figures.pop();
  const text = figures.join('  ');
  const barWidth = Math.min(BAR_WIDTH_MAX, columns - 6 - 1 - stringWidth(text));
  return [
    cut(`      ${printable(`${verb} ${table}`)}`, columns),
    cut(`      ${bar(share, barWidth)} ${text}`, columns),
  ];
}

function bar(share: number, width: number): string {
  const full = Math.floor(share * Math.max(0, width));
  return '█'.repeat(full) + '░'.repeat(Math.max(0, width - full));
}

function writeStopLine(writeStop: NonNullable<LiveState['writeStop']>, columns: number, colors: Colors): string {
  const { seconds, deadlineSeconds, over } = writeStop;
  const late = deadlineSeconds !== null && seconds > deadlineSeconds;
  const deadline =
    deadlineSeconds === null ? '' : `, deadline ${durationText(deadlineSeconds)}${late ? ' passed' : ''}`;
  const line = cut(`    Write stop ${durationText(seconds)}${deadline}${over ? ', ended' : ''}`, columns);
  return late ? colors.red(line) : line;
}

/** `0:42`, `12:05`, `1:02:03`. */
function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, two(whole % 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** The text in at most that many columns of a terminal, with an ellipsis where something is missing. */
function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : '';
}
