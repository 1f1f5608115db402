import type picocolors from 'picocolors';
import stringWidth from 'string-width';
import { printable, printableLines } from '../migrator/printable.ts';
import type { Announcement } from '../report/live-state.ts';
import type { MigratorWord } from '../report/migrator-log.ts';

export type Colors = ReturnType<typeof picocolors.createColors>;

const NAME_WIDTH_MAX = 48;
const NAME_WIDTH_MIN = 16;
/** Mark, seconds and "asked 10 times" beside the name. */
const REST_WIDTH = 29;

/** Where the seconds begin, so that those of finished and running states stand below each other. */
export function nameWidth(columns: number): number {
  return Math.min(NAME_WIDTH_MAX, Math.max(NAME_WIDTH_MIN, columns - REST_WIDTH));
}

export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - stringWidth(text)));

export const secondsText = (seconds: number): string => `${seconds.toFixed(1).padStart(6)} s`;

export const askedText = (retries: number): string => (retries > 0 ? `  asked ${retries + 1} times` : '');

/** Thousands apart, as in the migrator's own lines. */
export const countText = (value: number): string => value.toLocaleString('en-US');

/**
 * The line of something that has ended.
 *
 * @param beginning what is said of an execution that begins
 */
export function announcementLine(
  announcement: Announcement,
  { columns, colors, beginning }: { columns: number; colors: Colors; beginning: string },
): string {
  if (announcement.kind === 'execution') {
    const machine = `- The state machine "${printable(announcement.machine)}"`;
    return announcement.redriveCount > 0
      ? `${machine} goes on where it stopped (redrive ${announcement.redriveCount})`
      : `${machine} ${beginning}`;
  }
  const { record, table, verdict } = announcement;
  const name = printable([record.name, ...(table !== null ? [`${table}: ${verdict}`] : [])].join(' '));
  const good = record.error === null && (verdict === null || verdict === 'verified');
  const error = record.error === null || record.error === record.name ? '' : `  ${printable(record.error)}`;
  const mark = good ? colors.green('✔') : colors.red('✘');
  const time = colors.dim(secondsText(record.seconds ?? 0));
  return `  ${mark} ${padded(name, nameWidth(columns))} ${time}${askedText(record.retries)}${error}`;
}

/** What the migrator says, as lines. */
export function migratorLines(word: MigratorWord): string[] {
  return textOf(word).map((line) => `      ${line}`);
}

function textOf(word: MigratorWord): string[] {
  if (word.kind !== 'rows') return word.text === null ? [] : printableLines(word.text);
  const { verb, table, rows, total, rowsPerSecond, etaSeconds, done } = word;
  return [
    printable(
      `${verb} ${table}: ${countText(rows)} of ${countText(total)} rows, ${countText(rowsPerSecond)} rows/s${done ? '' : `, ${etaSeconds} s left`}`,
    ),
  ];
}
