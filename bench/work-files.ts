import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Table, tableNamed } from '../migrator/table-kinds.ts';
import { SCHEMA } from './source.ts';

/** The files that one run works with, all below one directory. */
export interface WorkFiles {
  directory: string;
  /** The generated SQLite file. */
  source: string;
  /** Where the bundle of the migrator is, as its container has it. */
  migrator: string;
  /** Where the migrator makes its scratch copies. */
  scratch: string;
}

/** The tables of the generated file, those that others refer to first. */
export const TABLES: Table[] = [`${SCHEMA}__events`, `${SCHEMA}__event_tags`, 'kv'].map(tableNamed);

export function workFiles(directory: string): WorkFiles {
  return {
    directory,
    source: join(directory, 'db'),
    migrator: join(directory, 'migrator'),
    scratch: join(directory, 'scratch'),
  };
}

/** Rows of a SQLite file, by table. */
export function countRows(path: string): Map<string, number> {
  const database = new Database(path, { readonly: true });
  try {
    return new Map(
      TABLES.map(({ name }) => [name, database.prepare(`SELECT count(*) FROM ${name}`).pluck().get() as number]),
    );
  } finally {
    database.close();
  }
}
