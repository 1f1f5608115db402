import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Place } from './migrator.ts';
import { temporaryDirectory } from './relay-process.ts';
import { sqliteBytes, type TableBytes, withClient } from './table-bytes.ts';

type Row = Record<string, { type: string; hex?: string }>;

export interface QuarantinedRow {
  table_name: string;
  source_rowid: bigint;
  reason: string;
  row: Row;
}

/** All rows of `cutover.quarantine`, in the order in which the source stores them. */
export async function quarantine(url: string): Promise<QuarantinedRow[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      'SELECT table_name, source_rowid, reason, row FROM cutover.quarantine ORDER BY table_name COLLATE "C", source_rowid',
    );
    return rows.map((row) => ({ ...row, source_rowid: BigInt(row.source_rowid) }));
  });
}

/** How many rows of each table stand there. */
export function countsOf(rows: QuarantinedRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { table_name } of rows) counts[table_name] = (counts[table_name] ?? 0) + 1;
  return counts;
}

/** Reads the same rows from the SQLite file, and the rest of it as a file would have it that never had them. Shares no code with the migrator. */
export async function fromSource(
  { sqlitePath }: Place,
  rows: QuarantinedRow[],
): Promise<{ rows: Row[]; rest: TableBytes }> {
  const path = join(await temporaryDirectory(), 'db');
  for (const suffix of ['', '-wal'].filter((suffix) => existsSync(sqlitePath + suffix)))
    copyFileSync(sqlitePath + suffix, path + suffix);
  const database = new Database(path);
  database.exec('PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN');
  const triggers = database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all() as string[];
  for (const trigger of triggers) database.exec(`DROP TRIGGER ${quoted(trigger)}`);
  const read = rows.map(({ table_name, source_rowid }) => rowOf(database, table_name, source_rowid));
  for (const { table_name, source_rowid } of rows)
    database.prepare(`DELETE FROM ${quoted(table_name)} WHERE rowid = ?`).run(source_rowid);
  database.exec('COMMIT');
  database.close();
  return { rows: read, rest: sqliteBytes(path) };
}

function rowOf(database: Database.Database, table: string, rowid: bigint): Row {
  const columns = database.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(table) as string[];
  return Object.fromEntries(
    columns.map((column) => {
      const [type, hex, value] = database
        .prepare(`SELECT typeof("${column}"), hex("${column}"), "${column}" FROM ${quoted(table)} WHERE rowid = ?`)
        .raw()
        .safeIntegers()
        .get(rowid) as [string, string, bigint | number];
      if (type === 'null') return [column, { type }];
      if (type !== 'integer' && type !== 'real') return [column, { type, hex: hex.toLowerCase() }];
      const view = new DataView(new ArrayBuffer(8));
      if (type === 'real') view.setFloat64(0, Number(value));
      else view.setBigInt64(0, BigInt(value));
      return [column, { type, hex: Buffer.from(view.buffer).toString('hex') }];
    }),
  );
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
