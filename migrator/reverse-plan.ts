import { setImmediate as pause } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import type pg from 'pg';
import { bytesOf, DigestSum, hashRow, rowHashSql, type TableDigest } from './digest.ts';
import type { Progress, RowCounter } from './progress.ts';
import { quarantinedHashes } from './quarantine-table.ts';
import { compareBuckets, type DirtyBuckets, inBucketsSql, isDirty, sourceBuckets } from './row-buckets.ts';
import { RowEncoder } from './row-encoding.ts';
import type { Source } from './source.ts';
import { followed, ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import { type Column, quoteIdentifier, type Table } from './table-kinds.ts';
import { tableExists } from './verify-table.ts';

/** What is to be done to one table of the SQLite copy so that it holds the target's rows. */
export interface TablePlan {
  table: Table;
  /** The target has this table. */
  inTarget: boolean;
  /** Rows of the source as it is. */
  rows: number;
  inserted: number;
  updated: number;
  deleted: number;
  /** Rows that only the source has and that stay there. */
  kept: TableDigest;
  work: WorkTables;
}

/**
 * TEMP tables of the copy, so that the rows that differ stand in a file and not in memory. `ours` has the rowids of the
 * rows that are to go, whether PostgreSQL could not have held them, and whether one of `theirs` comes in their place; `theirs` the target's rows that are to come, with `rid` where they replace the row of that rowid.
 */
export interface WorkTables {
  ours: string;
  theirs: string;
  kept: string;
  /** The hashes of the rows that stand in the target's quarantine. */
  quarantined: string;
}

/** A batch of rows takes some megabytes at most, unless a single row is larger. */
const BATCHES = [
  { bytes: '<= 65536', rowsFetched: 200 },
  { bytes: '> 65536', rowsFetched: 1 },
];

/**
 * Compares every table of the copy with the target, in the caller's snapshot of the target and the caller's transaction of
 * the copy, and changes neither. Tables that others refer to come first.
 *
 * @param keep leave what only the source has, but for rows whose key stands in the target too, and tags of other events
 *   than those that only the source has. Else only what the target could not have held, or has in quarantine, is left: it was
 *   never deleted there.
 */
export async function planReverse(
  client: pg.Client,
  source: Source,
  keep: boolean,
  progress: Progress,
): Promise<TablePlan[]> {
  const plans: TablePlan[] = [];
  for (const [index, table] of source.tables.entries()) {
    const work = workTables(index);
    const inTarget = await tableExists(client, table.name);
    const { ours, dirty } = await compareBuckets(
      inTarget ? client : undefined,
      source,
      table,
      followed(progress, 'compared', source, table, (count) =>
        sourceBuckets(source, table, { count, encoder: new RowEncoder(table.columns, { lenient: true }) }),
      ),
    );
    progress.moment(`compared: ${table.name}`);
    createWorkTables(source.database, table, work);
    if (dirty.size > 0) {
      await collectOurs(source, table, { dirty, ofRows: ours.ofRows }, work);
      const counter = progress.rows('fetched', table.name, dirty.targetRows);
      if (dirty.targetRows > 0) await collectTheirs(client, source.database, table, dirty, work, counter);
      counter.end();
      removePairs(source.database, work);
      await collectQuarantine(client, source.database, table, work);
    }
    if (table.key !== undefined) findTwins(source.database, table, work);
    if (table.keys !== undefined) markReplaced(source.database, table, work);
    keepOurs(source.database, table, work, keep, plans);
    plans.push({ table, inTarget, rows: ours.figures.rows, ...counts(source.database, work), work });
    progress.moment(`planned: ${table.name}`);
  }
  return plans;
}

/** By their place, since a generic table may have any name among its columns. */
export function workColumn(place: number): string {
  return `value_${place}`;
}

function workTables(index: number): WorkTables {
  const name = (what: string): string => `temp.cutover_${what}_${index}`;
  return { ours: name('ours'), theirs: name('theirs'), kept: name('kept'), quarantined: name('quarantined') };
}

function createWorkTables(
  database: Database.Database,
  table: Table,
  { ours, theirs, kept, quarantined }: WorkTables,
): void {
  // A column of REAL would make 0 of -0.
  const types = { text: 'TEXT', int8: 'INTEGER', int4: 'INTEGER', float8: 'BLOB', bytea: 'BLOB' };
  const columns = table.columns.map(({ type }, place) => `${workColumn(place)} ${types[type]}`);
  database.exec(`
    CREATE TABLE ${ours} (rid INTEGER PRIMARY KEY, row_hash BLOB NOT NULL, unfit INTEGER NOT NULL, replaced INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE ${kept} (rid INTEGER PRIMARY KEY, row_hash BLOB NOT NULL);
    CREATE TABLE ${quarantined} (place INTEGER PRIMARY KEY, row_hash BLOB NOT NULL);
    CREATE TABLE ${theirs} (place INTEGER PRIMARY KEY, rid INTEGER, row_hash BLOB NOT NULL, ${columns.join(', ')});`);
}

/** The rows are known by their place; only those of dirty buckets are read and hashed once more. */
async function collectOurs(
  source: Source,
  table: Table,
  { dirty, ofRows }: { dirty: DirtyBuckets; ofRows: Uint32Array },
  { ours }: WorkTables,
): Promise<void> {
  const strict = new RowEncoder(table.columns);
  const lenient = new RowEncoder(table.columns, { lenient: true });
  const insert = source.database.prepare(`INSERT INTO ${ours} (rid, row_hash, unfit) VALUES (?, ?, ?)`);
  const rowOf = source.row(table);
  let place = 0;
  // Else better-sqlite3 lets nothing be written while rows are read; here it is another table that is written to.
  source.database.unsafeMode(true);
  try {
    for (const rowid of source.rowids(table)) {
      if (isDirty(dirty, ofRows[place] as number)) {
        const values = rowOf(rowid);
        const rowHash = hashRow(lenient.encode(values, 1) as Buffer);
        insert.run(rowid, bytesOf(rowHash), Buffer.isBuffer(strict.encode(values, 1)) ? 0 : 1);
      }
      if (++place % ROWS_BETWEEN_PAUSES === 0) await pause();
    }
  } finally {
    source.database.unsafeMode(false);
  }
}

/** Text travels as bytes both ways, and integers as bigint: a JavaScript string or number might alter them. */
const WAYS: Record<Column['type'], Way> = {
  text: { select: (column) => `convert_to(${column}, 'UTF8')`, insert: 'CAST(? AS TEXT)', read: (value) => value },
  bytea: { select: (column) => column, insert: '?', read: (value) => value },
  int4: { select: (column) => `${column}::text`, insert: '?', read: (value) => BigInt(value as string) },
  int8: { select: (column) => `${column}::text`, insert: '?', read: (value) => BigInt(value as string) },
  float8: {
    select: (column) => `float8send(${column})`,
    insert: '?',
    read: (value) => (value as Buffer).readDoubleBE(),
  },
};

interface Way {
  select(column: string): string;
  insert: string;
  read(value: Buffer | string): unknown;
}

async function collectTheirs(
  client: pg.Client,
  database: Database.Database,
  { name, columns }: Table,
  dirty: DirtyBuckets,
  { theirs }: WorkTables,
  counter: RowCounter,
): Promise<void> {
  const ways = columns.map(({ type }) => WAYS[type]);
  const values = columns.map((column, place) => (ways[place] as Way).select(quoteIdentifier(column.name)));
  const insert = database.prepare(
    `INSERT INTO ${theirs} (row_hash, ${columns.map((_, place) => workColumn(place)).join(', ')}) VALUES (?, ${ways.map((way) => way.insert).join(', ')})`,
  );
  const bytes = columns
    .filter(({ type }) => type === 'text' || type === 'bytea')
    .map((column) => `coalesce(octet_length(${quoteIdentifier(column.name)}), 0)`);
  for (const batch of BATCHES) {
    await client.query(
      `DECLARE cutover_rows NO SCROLL CURSOR FOR SELECT row_hash, ${values.join(', ')}
       FROM (SELECT *, ${rowHashSql(columns)} AS row_hash FROM ${quoteIdentifier(name)} WHERE ${bytes.join(' + ') || '0'} ${batch.bytes} OFFSET 0) AS hashed
       WHERE ${inBucketsSql(dirty)}`,
    );
    for (;;) {
      const { rows } = await client.query<(Buffer | string | null)[]>({
        text: `FETCH ${batch.rowsFetched} FROM cutover_rows`,
        rowMode: 'array',
      });
      for (const [rowHash, ...row] of rows)
        insert.run(rowHash, ...row.map((value, place) => (value === null ? null : (ways[place] as Way).read(value))));
      counter.add(rows.length);
      if (rows.length < batch.rowsFetched) break;
    }
    await client.query('CLOSE cutover_rows');
  }
}

/** By their hash, since a VACUUM may have given the rows other rowids. */
async function collectQuarantine(
  client: pg.Client,
  database: Database.Database,
  { name }: Table,
  { quarantined }: WorkTables,
): Promise<void> {
  const insert = database.prepare(`INSERT INTO ${quarantined} (row_hash) VALUES (?)`);
  for await (const rowHash of quarantinedHashes(client, name)) insert.run(rowHash);
}

function removePairs(database: Database.Database, { ours, theirs }: WorkTables): void {
  database.exec(`
    CREATE TABLE temp.cutover_pairs AS SELECT rid, place FROM ${numbered('rid', ours)} JOIN ${numbered('place', theirs)} USING (row_hash, occurrence);
    DELETE FROM ${ours} WHERE rid IN (SELECT rid FROM temp.cutover_pairs);
    DELETE FROM ${theirs} WHERE place IN (SELECT place FROM temp.cutover_pairs);
    DROP TABLE temp.cutover_pairs;`);
}

/** Equal rows are told apart by a number, so that of three duplicates against two exactly one comes or goes. */
function numbered(place: string, table: string): string {
  return `(SELECT ${place}, row_hash, row_number() OVER (PARTITION BY row_hash) AS occurrence FROM ${table})`;
}

/** A row of the target whose key the source has too comes in the place of that one. */
function findTwins(database: Database.Database, table: Table, { ours, theirs }: WorkTables): void {
  const key = quoteIdentifier(table.key as string);
  const value = workColumn(table.columns.findIndex(({ name }) => name === table.key));
  // CROSS JOIN keeps the order: by the key's index into the table, and from there by rowid.
  database.exec(`
    UPDATE ${theirs} AS t SET rid = (
      SELECT o.rid FROM main.${quoteIdentifier(table.name)} AS m CROSS JOIN ${ours} AS o ON o.rid = m.rowid WHERE m.${key} = t.${value});
    DELETE FROM ${ours} WHERE rid IN (SELECT rid FROM ${theirs} WHERE rid IS NOT NULL);`);
}

/** @param earlier the plans of the tables before this one, that of the events among them when these are their tags */
function keepOurs(
  database: Database.Database,
  table: Table,
  { ours, kept, quarantined }: WorkTables,
  all: boolean,
  earlier: TablePlan[],
): void {
  const events = earlier.find((plan) => plan.table.name === table.after[0]);
  const ofEvents = (events: TablePlan, which: string): string =>
    `rid IN (SELECT rowid FROM main.${quoteIdentifier(table.name)} WHERE event_id IN
       (SELECT id FROM main.${quoteIdentifier(events.table.name)} WHERE rowid IN (SELECT rid FROM ${which})))`;
  const stays = events ? ofEvents(events, events.work.kept) : String(all);
  const inQuarantine = `rid IN (SELECT rid FROM ${numbered('rid', ours)} JOIN ${numbered('place', quarantined)} USING (row_hash, occurrence))`;
  // With the event its foreign key takes them along, whatever they are.
  const goes = events ? ofEvents(events, events.work.ours) : 'false';
  database.exec(`
    INSERT INTO ${kept} SELECT rid, row_hash FROM ${ours}
      WHERE (${stays} OR ((unfit OR ${inQuarantine}) AND NOT ${goes})) AND NOT replaced;
    DELETE FROM ${ours} WHERE rid IN (SELECT rid FROM ${kept});`);
}

/** In a generic table a row of the target comes in the place of each that has a key like its own. NULL is like nothing. */
function markReplaced(database: Database.Database, { name, columns, keys = [] }: Table, work: WorkTables): void {
  for (const key of keys) {
    const equal = key.columns.map((column) => {
      const place = columns.findIndex((other) => other.name === column);
      return `m.${quoteIdentifier(column)} = t.${workColumn(place)}`;
    });
    database.exec(
      `UPDATE ${work.ours} SET replaced = 1 WHERE rid IN (SELECT o.rid FROM ${work.ours} AS o
       JOIN main.${quoteIdentifier(name)} AS m ON m.rowid = o.rid JOIN ${work.theirs} AS t ON ${equal.join(' AND ')})`,
    );
  }
}

function counts(
  database: Database.Database,
  { ours, theirs, kept }: WorkTables,
): Pick<TablePlan, 'inserted' | 'updated' | 'deleted' | 'kept'> {
  const count = (from: string): number => database.prepare(`SELECT count(*) FROM ${from}`).pluck().get() as number;
  const sum = new DigestSum();
  for (const rowHash of database.prepare(`SELECT row_hash FROM ${kept}`).pluck().iterate())
    sum.add((rowHash as Buffer).toString('latin1'));
  // One row may come in the place of several, or several in that of one, where there are several keys.
  const replaced = Math.min(count(`${ours} WHERE replaced`), count(theirs));
  return {
    inserted: count(`${theirs} WHERE rid IS NULL`) - replaced,
    updated: count(`${theirs} WHERE rid IS NOT NULL`) + replaced,
    deleted: count(ours) - replaced,
    kept: sum.result(),
  };
}
