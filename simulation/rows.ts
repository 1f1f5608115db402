import { createHash } from 'node:crypto';
import type { TableDigest } from '../migrator/digest.ts';

/** Rows of a table, and how often each is there. A row is what stands in it: an altered one is another one. */
export type Rows = Map<string, number>;

/** The tables that both stores have; the kinds are those of `migrator/table-kinds.ts`. */
export const TABLES = [
  { table: 'relay__events', kind: 'events' },
  { table: 'relay__event_tags', kind: 'event_tags' },
] as const;

export type TableName = (typeof TABLES)[number]['table'];
export type Tables = Record<TableName, Rows>;

export const EVENTS: TableName = 'relay__events';
export const TAGS: TableName = 'relay__event_tags';

export function emptyTables(): Tables {
  return { [EVENTS]: new Map(), [TAGS]: new Map() } as Tables;
}

export function copyOf(tables: Tables): Tables {
  return { [EVENTS]: new Map(tables[EVENTS]), [TAGS]: new Map(tables[TAGS]) } as Tables;
}

/** What a relay writes when it takes an event: the event and a tag of it, together. */
export function addEvent(tables: Tables, id: string): void {
  for (const { table } of TABLES) tables[table].set(id, (tables[table].get(id) ?? 0) + 1);
}

/** Makes the newest row another one. @returns whether there was one */
export function alterRow(rows: Rows): boolean {
  const [newest] = [...rows].slice(-1);
  if (!newest) return false;
  const [row, times] = newest;
  rows.delete(row);
  rows.set(`${row}, altered`, times);
  return true;
}

const lanes = new Map<string, bigint>();

function laneOf(row: string): bigint {
  const known = lanes.get(row);
  if (known !== undefined) return known;
  const made = createHash('sha256').update(row).digest().readBigInt64BE();
  lanes.set(row, made);
  return made;
}

/** How many rows, and a sum over them in which each counts as often as it is there. */
export function sumOf(rows: Rows): { count: number; sum: bigint } {
  let count = 0;
  let sum = 0n;
  for (const [row, times] of rows) {
    count += times;
    sum += times === 1 ? laneOf(row) : laneOf(row) * BigInt(times);
  }
  return { count, sum };
}

/** The digest as `migrator/digest.ts` writes it; three of its four lanes are empty here. */
export function digestOf(rows: Rows): TableDigest {
  const { count, sum } = sumOf(rows);
  return { rows: count, digest: BigInt.asUintN(64, sum).toString(16).padStart(16, '0') + '0'.repeat(48) };
}
