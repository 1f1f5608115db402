import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import { readTables } from './read-tables.ts';
import { createRowReader, type RowReader } from './row-reader.ts';
import { assertSqliteFile, makeScratchCopy, type ScratchCopy } from './scratch-copy.ts';
import { assertSound } from './source-soundness.ts';
import { type ExcludedTable, NO_CHOICE, type TableChoice } from './table-choice.ts';
import type { Table } from './table-kinds.ts';

export interface Source extends RowReader {
  tables: Table[];
  /** Known tables that stay behind, by name. */
  skipped: string[];
  /** Tables of no known kind that stay behind because somebody said so. */
  excluded: ExcludedTable[];
  /** What is to be told of generic tables, one sentence each. */
  notes: string[];
  copy: ScratchCopy;
  /** The open copy, to which `reverse` writes. */
  database: Database.Database;
  /** By table, the TEMP table whose `rid` are the rowids of the rows that are kept back (quarantine.ts): the next three hand none of them out. */
  keptBack: Map<string, string>;
  /** Runs a query of the checks; integers come back as bigint. */
  query(sql: string): IterableIterator<Record<string, unknown>>;
  close(): Promise<void>;
}

const COPY_ATTEMPTS_MAX = 5;
const COPY_PAUSE_MILLISECONDS = 250;

/**
 * Opens a snapshot of the SQLite file at `path`: a copy, so that the source is not changed by a byte. `immutable=1` would
 * leave it alone as well, but drops the WAL in silence.
 *
 * While the relay is live a checkpoint may tear the copy; it is then made again. The last attempt is taken as it is if
 * it is sound, since `load` may be late: `reconcile` compares every row.
 *
 * @param choice what is to become of tables of no known kind; without a word of it they are refused
 * @throws Refused when there is no database, it is damaged, or it holds a table of an unknown kind
 */
export async function openSource(
  path: string,
  scratchDirectory?: string,
  choice: TableChoice = NO_CHOICE,
): Promise<Source> {
  await assertSqliteFile(path);
  for (let attempt = 1; ; attempt++) {
    const copy = await makeScratchCopy(path, scratchDirectory);
    try {
      if (copy.still || attempt === COPY_ATTEMPTS_MAX) return openCopy(path, copy, choice);
    } catch (error) {
      await copy.remove();
      throw error;
    }
    await copy.remove();
    await pause(COPY_PAUSE_MILLISECONDS);
  }
}

/**
 * Opens a copy that nobody writes to any more.
 *
 * @param path what it is a copy of, for the messages
 * @throws Refused as `openSource` does; the copy is then the caller's to remove
 */
export function openCopy(path: string, copy: ScratchCopy, choice: TableChoice = NO_CHOICE): Source {
  const database = new Database(copy.path, { fileMustExist: true });
  try {
    assertSound(database, path, copy, COPY_ATTEMPTS_MAX);
    const encoding = database.pragma('encoding', { simple: true });
    if (encoding !== 'UTF-8')
      throw new Refused(`The SQLite file ${path} has the encoding ${encoding}: expected UTF-8.`);
    const { tables, ...others } = readTables(database, path, choice);
    const keptBack = new Map<string, string>();
    return {
      tables,
      ...others,
      copy,
      database,
      keptBack,
      ...createRowReader(database, keptBack),
      query: (sql) => database.prepare(sql).safeIntegers().iterate() as IterableIterator<Record<string, unknown>>,
      async close() {
        database.close();
        await copy.remove();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
