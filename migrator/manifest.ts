import type { Mode } from './configuration.ts';
import type { TableDigest } from './digest.ts';
import { GENERIC_KIND } from './generic-table.ts';
import type { FileFingerprint } from './scratch-copy.ts';
import type { ExcludedTable } from './table-choice.ts';
import type { Column, Table } from './table-kinds.ts';

/** What one run of the migrator did and found, as it stands in `cutover.run` and as the state machine reads it. */
export interface Manifest {
  runId: string;
  mode: Mode;
  source: { path: string; files: FileFingerprint[] };
  tables: TableManifest[];
  /** Tables of the source that were not brought over because somebody said so; absent where there are none. */
  excluded?: ExcludedTable[];
  seconds: Record<string, number>;
  /** Of the mode `archive` alone. */
  archive?: ArchiveManifest;
}

/** Where the files of the data directory now are as well. */
export interface ArchiveManifest {
  bucket: string;
  /** Begins the key of every file; the rest is its path in the data directory. */
  prefix: string;
  /** Id of the EFS file system; null where the run was not told. */
  fileSystem: string | null;
  files: ArchivedFile[];
  /** Files that were left out on purpose. */
  ignored: { file: string; bytes: number }[];
}

export interface ArchivedFile {
  /** Path in the data directory. */
  file: string;
  bytes: number;
  /** Of what was read back. */
  sha256: string;
  versionId: string | null;
}

export interface TableManifest {
  table: string;
  kind: string;
  /** Of a generic table alone: whoever verifies it knows its columns from here. */
  columns?: Column[];
  /** Rows and digest of the source; the target's own are never taken from here but computed afresh. */
  rows: number;
  digest: string;
  /** Of those rows as the digest sees them (digest.ts); of the modes `load` and `reconcile` alone. */
  bytes?: number;
  /** Rows of the source that were kept out of the target and stand in `cutover.quarantine`; `rows` and `digest` are without them. */
  quarantinedRows: number;
  /** Added to `digest` it is the digest of all rows of the source, as bytes; absent where there are none in quarantine. */
  quarantinedDigest?: string;
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

/** What a pass over a table of the source finds, with the bytes of its records. */
export interface SourceFigures extends TableDigest {
  bytes: number;
}

/** What a manifest says of the rows of a table that are in quarantine. */
export function quarantined({
  rows,
  digest,
}: TableDigest): Pick<TableManifest, 'quarantinedRows' | 'quarantinedDigest'> {
  return { quarantinedRows: rows, ...(rows > 0 && { quarantinedDigest: digest }) };
}

export function quarantinedRows({ tables }: Manifest): number {
  return tables.reduce((sum, table) => sum + table.quarantinedRows, 0);
}

/** How a manifest names a table. */
export function described({ name, kind, columns }: Table): Pick<TableManifest, 'table' | 'kind' | 'columns'> {
  return { table: name, kind, ...(kind === GENERIC_KIND && { columns }) };
}

/** How a manifest tells of tables that were left out. */
export function leftOut(excluded: ExcludedTable[]): Pick<Manifest, 'excluded'> {
  return excluded.length > 0 ? { excluded } : {};
}
