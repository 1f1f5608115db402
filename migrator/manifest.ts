import type { Mode } from './configuration.ts';
import type { FileFingerprint } from './scratch-copy.ts';

/** What one run of the migrator did and found, as it stands in `cutover.run` and as the state machine reads it. */
export interface Manifest {
  runId: string;
  mode: Mode;
  source: { path: string; files: FileFingerprint[] };
  tables: TableManifest[];
  seconds: Record<string, number>;
}

export interface TableManifest {
  table: string;
  kind: string;
  /** Rows and digest of the source; the target's own are never taken from here but computed afresh. */
  rows: number;
  digest: string;
  /** Rows that were kept out of the target and stand in `cutover.quarantine`. */
  quarantinedRows: number;
  /** How the rows came over: all of them, or what had changed since an earlier run. */
  copied: number;
  inserted: number;
  deleted: number;
  /** Rows that a `reverse` gave the target's values, found by their key. */
  updated?: number;
  /** Rows that a `reverse` left in the source although the target has none of them; `rows` and `digest` are without them. */
  kept?: number;
  /** The target has no such table, so that it has no rows and no digest to be compared with. */
  onlyInSource?: true;
}
