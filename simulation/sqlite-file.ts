import { addEvent, copyOf, emptyTables, type Tables } from './rows.ts';

/** The SQLite file on EFS. */
export interface SqliteFile {
  readonly tables: Tables;
  /** Another one after each write: what a fingerprint of the files tells. */
  readonly version: number;
  write(id: string): void;
  /** What the migrator copies to its scratch disk. */
  copy(): { tables: Tables; version: number };
  /** Exchanges the file for another one, unless somebody has written to it since. */
  swap(tables: Tables, versionExpected: number, versionNew: number): boolean;
  /** A version for a file that is being written elsewhere. */
  nextVersion(): number;
  /** Gone with its file system. */
  isGone: boolean;
}

export function createSqliteFile(): SqliteFile {
  let tables = emptyTables();
  let version = 1;
  let versions = 1;
  return {
    get tables() {
      return tables;
    },
    get version() {
      return version;
    },
    isGone: false,
    write(id) {
      addEvent(tables, id);
      versions += 1;
      version = versions;
    },
    copy: () => ({ tables: copyOf(tables), version }),
    nextVersion() {
      versions += 1;
      return versions;
    },
    swap(next, versionExpected, versionNew) {
      if (version !== versionExpected) return false;
      tables = next;
      version = versionNew;
      return true;
    },
  };
}
