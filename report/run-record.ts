import type { Json } from '../statemachine/asl.ts';

/** What happened in one run, as data: the status lines, the JSON file and every page are drawn from it. */
export interface RunRecord {
  formatVersion: 1;
  startedAt: string;
  finishedAt: string;
  /**
   * `CutoverComplete`, `FinalizeComplete`, `RolledBack`, `Restored` (by the machine of that name), `Held` (for an operator), another error of
   * the execution, or `ChecksFailed` when the rehearsal's own checks found more.
   */
  outcome: string;
  /** 0 complete and proven, 1 everything else. */
  exitCode: 0 | 1;
  /** What happened, for a person. */
  sentence: string;
  /** Names of the faults that were done on purpose. */
  faults: string[];
  source: { files: string[]; unchanged: boolean };
  target: string;
  /** States in the order in which they were entered; those of a Map once for each iteration. */
  states: StateRecord[];
  tables: TableRecord[];
  /** Seconds of the rehearsal's clock, in which waits count in full. */
  writeStop: { from: string; until: string; seconds: number } | null;
  /** Events that a relay acknowledged at any time, and how many of them are served at the end. */
  published: { acknowledged: number; served: number };
  /** What serves at the end. */
  serving: { store: 'sqlite' | 'postgres' | 'nothing'; image: string | null };
  /** Source rows that the old relay's file lacks at the end; null when the relay serves from PostgreSQL. */
  missingRows: Record<string, number> | null;
  /** The cutover first, then whatever was started beside or after it. */
  executions: ExecutionRecord[];
  /** What gave the stack its database and loaded it. */
  preparations: ExecutionRecord[];
}

export interface ExecutionRecord {
  machine: string;
  name: string;
  status: string;
  redrives: number;
  output: Json;
  error: string | null;
  cause: string | null;
  history: Json;
}

export interface StateRecord {
  name: string;
  enteredAt: string;
  /** Null for a state that was never left. */
  seconds: number | null;
  retries: number;
  error: string | null;
}

export interface TableRecord {
  table: string;
  verdict: string;
  source?: { rows: number; digest: string };
  target?: { rows: number; digest: string };
  /** Rows of the source that are in quarantine, and not in the target; absent where there are none. */
  quarantined?: { rows: number; digest: string };
  findings: string[];
}
