import type { RehearsalObserver } from '../rehearsal/stage.ts';
import type { RunRecord } from '../report/run-record.ts';
import { StateTracker } from '../report/states.ts';

const NAME_WIDTH = 48;

/** Prints a rehearsal as it happens: one line for each step, each state that ended, and what the migrator has to say. */
export function createRehearsalView(write: (line: string) => void): RehearsalObserver {
  const tracker = new StateTracker();
  return {
    step: (text) => write(`- ${text}`),
    log(container, line) {
      const text = container === 'migrate' ? migratorText(line) : undefined;
      if (text === undefined) return;
      write(`      ${text}`);
    },
    event(event) {
      if (event.type === 'ExecutionStarted')
        write('- The state machine "cutover" begins; times are as in the cloud, waits included');
      const ended = tracker.add(event);
      if (!ended) return;
      const retries = ended.retries > 0 ? `  asked ${ended.retries + 1} times` : '';
      const error = ended.error === null ? '' : `  ${ended.error}`;
      const name = [ended.name, ...verdictOf(event.stateExitedEventDetails?.output)].join(' ');
      write(
        `  ${ended.error === null ? '✔' : '✘'} ${name.padEnd(NAME_WIDTH)} ${(ended.seconds ?? 0).toFixed(1).padStart(6)} s${retries}${error}`,
      );
    },
  };
}

/** For an iteration of VerifyCounts: which table it was, and the verdict. */
function verdictOf(output: string | undefined): string[] {
  const result = JSON.parse(output ?? 'null') as { table?: string; verdict?: string } | null;
  return result?.table && result.verdict ? [`${result.table}: ${result.verdict}`] : [];
}

/** The lines behind the last state: verdicts, write stop, what serves now, and the one sentence. */
export function closingLines(record: RunRecord): string[] {
  const tables = record.tables.map(({ table, verdict, source, target, findings }) => {
    const rows = `source=${source?.rows ?? '?'} dest=${target?.rows ?? '?'}`;
    return `  ${table}: ${rows} [${verdict === 'verified' ? 'OK' : 'MISMATCH'}]${findings.length > 0 ? ` ${findings.join('; ')}` : ''}`;
  });
  const { acknowledged, served } = record.published;
  return [
    'Verified by the state machine, every row of the target computed afresh:',
    ...(tables.length > 0 ? tables : ['  (it did not come to that)']),
    `Write stop: ${record.writeStop ? `${record.writeStop.seconds.toFixed(1)} s, as in the cloud` : 'none'}`,
    `Serving now: ${record.serving.store === 'nothing' ? 'nothing' : `${record.serving.store} (${record.serving.image})`}; ${served} of ${acknowledged} events published meanwhile are there`,
    `Source directory: ${record.source.unchanged ? 'not changed by a byte' : 'CHANGED'}`,
    `${record.outcome}: ${record.sentence}`,
  ];
}

/** A line of the migrator's JSON log as text; nothing for what only a machine wants to know. */
function migratorText(line: string): string | undefined {
  try {
    const entry = JSON.parse(line) as {
      event: string;
      text?: string;
      verb?: string;
      table?: string;
      rows?: number;
      total?: number;
      rowsPerSecond?: number;
      etaSeconds?: number;
      done?: boolean;
      message?: string;
    };
    if (entry.event === 'message') return entry.text;
    if (entry.event === 'result') return entry.message;
    if (entry.event !== 'rows') return undefined;
    const count = (value = 0): string => value.toLocaleString('en-US');
    return `${entry.verb} ${entry.table}: ${count(entry.rows)} of ${count(entry.total)} rows, ${count(entry.rowsPerSecond)} rows/s${entry.done ? '' : `, ${entry.etaSeconds} s left`}`;
  } catch {
    return line;
  }
}
