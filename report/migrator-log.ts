import { jsonObject } from './json-object.ts';

/** The container whose log tells of rows. */
export const MIGRATOR_CONTAINER = 'migrate';

/** How far the migrator is with one table. */
export interface TableProgress {
  /** What it does: checked, copied, compared. */
  verb: string;
  table: string;
  rows: number;
  total: number;
  rowsPerSecond: number;
  etaSeconds: number;
  done: boolean;
}

/** What a line of the migrator's JSON log says to a person. */
export type MigratorWord =
  | { kind: 'text'; text: string }
  | ({ kind: 'rows' } & TableProgress)
  /** The migrator's last word; a successful run has no text for it. */
  | { kind: 'result'; text: string | null };

/** Reads a line of the migrator; null for what only a machine wants to know. What is not its JSON is text: Node writes as it likes. */
export function parseMigratorLine(line: string): MigratorWord | null {
  const entry = jsonObject(line);
  switch (entry?.event) {
    case undefined:
      return { kind: 'text', text: line };
    case 'message':
    case 'finding':
      return { kind: 'text', text: textIn(entry?.text) };
    case 'result':
      return { kind: 'result', text: entry?.message === undefined ? null : textIn(entry.message) };
    case 'rows':
      return {
        kind: 'rows',
        verb: textIn(entry?.verb),
        table: textIn(entry?.table),
        rows: numberIn(entry?.rows),
        total: numberIn(entry?.total),
        rowsPerSecond: numberIn(entry?.rowsPerSecond),
        etaSeconds: numberIn(entry?.etaSeconds),
        done: entry?.done === true,
      };
    default:
      return null;
  }
}

const numberIn = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/** What is no text may not be made one either: an object has its own ideas of that. */
const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');
