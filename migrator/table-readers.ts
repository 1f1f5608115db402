import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { followed } from './source-rows.ts';
import type { Table } from './table-kinds.ts';
import {
  createTableReader,
  type PassFollower,
  type PassName,
  type PassResults,
  type TableReader,
} from './table-reader.ts';
import { startThreadedReader, type ThreadedReader } from './threaded-reader.ts';

/** A second thread takes 20 MB of memory, and to start it as long as to read some ten thousand rows. */
const SECOND_READER_ROWS_MIN = 10_000;

export const READERS_MAX = 2;

/** What a pass is called in the lines of progress. */
const VERBS: Record<PassName, string> = { digest: 'verified', buckets: 'compared', copy: 'copied' };

/** One or two readers, among which the tables of a source are divided; each reads one table at a time, in the order of the calls. */
export interface TableReaders {
  /**
   * @param send takes the rows of the pass `copy`
   * @throws what the pass or `send` throws; Error for a pass under way when the readers are ended
   */
  read<Name extends PassName>(pass: Name, table: Table, send?: PassFollower['send']): Promise<PassResults[Name]>;
  /** Ends every pass that is under way. */
  end(): Promise<void>;
}

interface Lane {
  queue: PQueue;
  read: TableReader;
}

/**
 * @param source with all rows that are kept back known: they stand in TEMP tables, which only the connection of this thread has
 * @param options `ownIds`: refuse events with an id that is not their hash
 */
export function createTableReaders(
  source: Source,
  progress: Progress,
  { ownIds = false }: { ownIds?: boolean } = {},
): TableReaders {
  const first: Lane = { queue: new PQueue({ concurrency: 1 }), read: createTableReader(source) };
  const elsewhere = tablesOfSecondReader(source);
  let thread: ThreadedReader | undefined;
  let second = first;
  if (elsewhere.size > 0) {
    thread = startThreadedReader(source.copy.path);
    second = { queue: new PQueue({ concurrency: 1 }), read: thread.read };
  }
  let ended = false;
  return {
    read(pass, table, send = unasked) {
      const { queue, read } = elsewhere.has(table.name) ? second : first;
      return queue.add(async () => {
        const assertWanted = (): void => {
          if (ended) throw new Error(`The reading of "${table.name}" was given up.`);
        };
        assertWanted();
        const { name, kind, columns } = table;
        return followed(progress, VERBS[pass], source, table, (counted) => {
          const count = (rows: number): void => {
            assertWanted();
            counted(rows);
          };
          return read({ pass, table: { name, kind, columns }, ownIds }, { count, send });
        });
      });
    },
    async end() {
      ended = true;
      await thread?.end();
      await Promise.all([first.queue.onIdle(), second.queue.onIdle()]);
    },
  };
}

/** The rows are divided so that both readers are done at about the same time, where that is worth a thread. */
function tablesOfSecondReader(source: Source): Set<string> {
  const isKeptBack = ({ name }: Table): boolean => source.keptBack.has(name);
  const sizes = source.tables.map((table) => ({ table, rows: source.countRows(table) }));
  const rows = { first: 0, second: 0 };
  const second = new Set<string>();
  for (const size of sizes.toSorted(
    (a, b) => Number(isKeptBack(b.table)) - Number(isKeptBack(a.table)) || b.rows - a.rows,
  )) {
    const reader = isKeptBack(size.table) || rows.first <= rows.second ? 'first' : 'second';
    rows[reader] += size.rows;
    if (reader === 'second') second.add(size.table.name);
  }
  // With one processor they would only wait for each other.
  return rows.second < SECOND_READER_ROWS_MIN || availableParallelism() < 2 ? new Set() : second;
}

function unasked(): never {
  throw new Error('Rows were sent that nobody asked for.');
}
