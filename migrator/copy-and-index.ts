import { buildIndexes } from './build-indexes.ts';
import type { Connections } from './connections.ts';
import { type Copying, copyTable } from './copy-table.ts';
import type { TableDigest } from './digest.ts';
import type { SourceFigures } from './manifest.ts';
import type { Source } from './source.ts';
import type { Table } from './table-kinds.ts';
import { allOf } from './together.ts';
import { targetDigest } from './verify-table.ts';

/** What is known of a table that was copied: what was read from the source, and what the server computed afterwards. */
export interface CopiedTable {
  source: SourceFigures;
  target: TableDigest | undefined;
}

/**
 * Copies the tables that are not in the target yet, and builds the indexes of all. The index of the search vectors takes longest, and PostgreSQL 16
 * builds it on one processor: the tables that have one come first and by themselves, and the other processor does the rest meanwhile.
 *
 * @param missing the tables to copy, of those of the source
 * @returns what is known of each of them, by its name
 * @throws what `copyTable` throws, once what was under way has ended
 */
export async function copyAndIndex(
  connections: Connections,
  missing: Table[],
  copying: Copying,
): Promise<Map<string, CopiedTable>> {
  const { source, progress } = copying;
  const copied = new Map<string, CopiedTable>();
  const copy = (table: Table): Promise<SourceFigures> => connections.use((client) => copyTable(client, table, copying));
  /** Of a table that was copied; the verification needs the digest. */
  const finish = async (table: Table, figures: SourceFigures): Promise<void> => {
    const digest = connections.use((client) => targetDigest(client, table));
    await allOf<unknown>([buildIndexes(connections, table, progress), digest]);
    copied.set(table.name, { source: figures, target: await digest });
  };
  const [first, later] = inCopyOrder(missing, source);
  const figures = await allOf(first.map(copy));
  await allOf([
    ...first.map((table, place) => finish(table, figures[place] as SourceFigures)),
    ...later.map(async (table) => finish(table, await copy(table))),
    ...source.tables
      .filter((table) => !missing.includes(table))
      .map((table) => buildIndexes(connections, table, progress)),
  ]);
  return copied;
}

/** The tables whose rows the server has work with, and all others; the largest first. */
function inCopyOrder(tables: Table[], source: Source): [Table[], Table[]] {
  const rows = new Map(tables.map((table) => [table, source.countRows(table)]));
  const largestFirst = tables.toSorted((a, b) => (rows.get(b) as number) - (rows.get(a) as number));
  return [
    largestFirst.filter(({ createFrom }) => createFrom !== undefined),
    largestFirst.filter(({ createFrom }) => createFrom === undefined),
  ];
}
