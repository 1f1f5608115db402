import { printable, printableLines } from '../migrator/printable.ts';
import type { RunRecord } from '../report/run-record.ts';
import type { Colors } from './execution-lines.ts';

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
