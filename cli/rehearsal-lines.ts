import type picocolors from 'picocolors';
import stringWidth from 'string-width';
import type { Announcement } from '../report/live-state.ts';
import type { MigratorWord } from '../report/migrator-log.ts';
import type { RunRecord } from '../report/run-record.ts';
import { printable, printableLines } from './printable.ts';

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

/** The line of something that has ended. */
export function announcementLine(announcement: Announcement, columns: number, colors: Colors): string {
  if (announcement.kind === 'execution') {
    const machine = `- The state machine "${printable(announcement.machine)}"`;
    return announcement.redriveCount > 0
      ? `${machine} goes on where it stopped (redrive ${announcement.redriveCount})`
      : `${machine} begins; times are as in the cloud, waits included`;
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

/** The lines behind the last state: verdicts, write stop, what serves now, and the one sentence. */
export function closingLines(record: RunRecord, colors: Colors): string[] {
  const good = (isGood: boolean, text: string): string => (isGood ? colors.green(text) : colors.red(text));
  const tables = record.tables.map(({ table, verdict, source, target, quarantined, findings }) => {
    const kept = quarantined?.rows ?? 0;
    const rows = `source=${source ? source.rows + kept : '?'} dest=${target?.rows ?? '?'}`;
    const word = verdict === 'verified' ? 'OK' : 'MISMATCH';
    const mark = good(verdict === 'verified', kept > 0 ? `${word}, ${kept} quarantined` : word);
    const found = findings.length > 0 ? ` ${printable(findings.join('; '))}` : '';
    return `  ${printable(table)}: ${rows} [${mark}]${found}`;
  });
  const { acknowledged, served } = record.published;
  const { store, image } = record.serving;
  const serving = store === 'nothing' ? 'nothing' : `${store} (${printable(image ?? '')})`;
  return [
    'Verified by the state machine, every row of the target computed afresh:',
    ...(tables.length > 0 ? tables : ['  (it did not come to that)']),
    `Write stop: ${record.writeStop ? `${record.writeStop.seconds.toFixed(1)} s, as in the cloud` : 'none'}`,
    `Serving now: ${serving}; ${served} of ${acknowledged} events published meanwhile are there`,
    `Source directory: ${record.source.unchanged ? 'not changed by a byte' : good(false, 'CHANGED')}`,
    ...sentenceLines(record, good(record.exitCode === 0, printable(record.outcome))),
  ];
}

/** Further lines of a cause are set in, so that none can pose as one of ours. */
function sentenceLines({ sentence }: RunRecord, outcome: string): string[] {
  const [first = '', ...others] = printableLines(sentence);
  return [`${outcome}: ${first}`, ...others.map((line) => `    ${line}`)];
}
