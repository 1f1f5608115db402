import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Table } from '../migrator/table-kinds.ts';
import { TABLES, type WorkFiles } from './work-files.ts';

const BATCH_CHARACTERS = 1024 * 1024;
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Where the rows of a table are in the text format of COPY. */
export function textPath({ directory }: WorkFiles, { name }: Table): string {
  return join(directory, `${name}.txt`);
}

/** Writes the rows of every table in the text format of COPY. Source: PostgreSQL manual, "COPY", "Text Format". */
export async function writeTexts(files: WorkFiles): Promise<void> {
  const database = new Database(files.source, { readonly: true });
  try {
    for (const table of TABLES) writeText(database, table, textPath(files, table));
  } finally {
    database.close();
  }
}

function writeText(database: Database.Database, table: Table, path: string): void {
  const columns = table.columns.map(({ name }) => name).join(', ');
  const file = openSync(path, 'w');
  try {
    let batch = '';
    for (const row of database.prepare(`SELECT ${columns} FROM ${table.name}`).raw().iterate()) {
      batch += `${(row as (string | number)[]).map(escaped).join('\t')}\n`;
      if (batch.length < BATCH_CHARACTERS) continue;
      writeWhole(file, batch);
      batch = '';
    }
    writeWhole(file, batch);
  } finally {
    closeSync(file);
  }
}

/** One call may write a part only. */
function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

function escaped(value: string | number): string {
  if (typeof value === 'number') return String(value);
  return value.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] as string);
}
