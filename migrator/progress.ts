import { printableJson, printableLines } from './printable.ts';

/** What a run says while it works: lines for a person, or one JSON object a line. */
export interface Progress {
  say(text: string): void;
  /** Announces a named moment, such as `table copied: kv`; fault tests do their harm there. */
  moment(name: string): void;
  /** Tells of a row of the source that cannot go over, as soon as it is found: there may be more of them than memory holds. */
  finding(finding: Finding): void;
  /** Follows the rows of one table. */
  rows(verb: string, table: string, total: number): RowCounter;
}

export interface Finding {
  table: string;
  rowid: bigint;
  /** Each value that is at fault, or all that are at fault together, and what was seen. */
  faults: { columns: string[]; seen: string }[];
  /** What is done, or is to be done, with the row. */
  advice: string;
}

export interface RowCounter {
  add(rows: number): void;
  end(): void;
}

const INTERVAL_MILLISECONDS = 2_000;
const number = new Intl.NumberFormat('en-US');

/** A line for each fault of a row, without what to do about it. */
export function findingLines({ table, rowid, faults }: Omit<Finding, 'advice'>): string[] {
  return faults.map(({ columns, seen }) => {
    const names = columns.map((column) => `column "${column}"`).join(' and ');
    return `table "${table}", rowid ${rowid}, ${names}: ${seen}`;
  });
}

/**
 * @param write takes one line, without its end
 * @param json write JSON lines of the shape `{time, event, ...}` in place of text
 */
export function createProgress(write: (line: string) => void, json: boolean): Progress {
  const emit = (event: string, data: Record<string, unknown>, text?: string): void => {
    if (json) write(printableJson({ time: new Date().toISOString(), event, ...data }));
    else if (text !== undefined) for (const line of printableLines(text)) write(line);
  };
  return {
    say: (text) => emit('message', { text }, text),
    moment: (name) => emit('moment', { name }),
    finding({ rowid, ...finding }) {
      const lines = findingLines({ rowid, ...finding }).map((line) => `Found: ${line}. ${finding.advice}`);
      const text = lines.join('\n');
      emit('finding', { ...finding, rowid: String(rowid), text }, text);
    },
    rows(verb, table, total) {
      const started = performance.now();
      let rows = 0;
      let lastReport = started;
      const report = (done: boolean): void => {
        const seconds = (performance.now() - started) / 1000;
        const rowsPerSecond = Math.round(rows / Math.max(seconds, 0.001));
        const etaSeconds = done ? 0 : Math.max(0, Math.round((total - rows) / Math.max(rowsPerSecond, 1)));
        const share = total === 0 ? 100 : Math.floor((100 * rows) / total);
        emit(
          'rows',
          { verb, table, rows, total, rowsPerSecond, etaSeconds, done },
          `  ${verb} ${table}: ${number.format(rows)} of ${number.format(total)} rows (${share}%), ${number.format(rowsPerSecond)} rows/s${done ? '' : `, ${etaSeconds} s left`}`,
        );
      };
      return {
        add(more) {
          rows += more;
          const now = performance.now();
          if (now - lastReport < INTERVAL_MILLISECONDS) return;
          lastReport = now;
          report(false);
        },
        end: () => report(true),
      };
    },
  };
}
