import type Database from 'better-sqlite3';
import type { UniqueKey } from './generic-table.ts';
import { isPrintable, printable } from './printable.ts';
import { IDENTIFIER_BYTES_MAX, quoteIdentifier } from './table-kinds.ts';

/** What a table of the SQLite file says of itself, as far as it goes over. */
export interface DeclaredTable {
  name: string;
  columns: DeclaredColumn[];
  keys: UniqueKey[];
  /** What the target's table will not have, one phrase each. */
  notCarried: string[];
  /** Why the table cannot go over as it is, one sentence each. */
  findings: string[];
}

export interface DeclaredColumn {
  name: string;
  /** As it is written; SQLite takes any word, and none at all. */
  type: string;
  /** No row has NULL there: declared so, or an alias of the rowid. */
  notNull: boolean;
}

/** Statements that name such a table would find another one first: that of the system, or a temporary one of a run. */
const RESERVED_TABLES = /^(pg|cutover)_/i;

/** `rowid` is how the rows are read, `row_hash` how they are compared; the others every table of PostgreSQL has. Source: PostgreSQL manual, "System Columns". */
const RESERVED_COLUMNS = /^(rowid|row_hash|tableoid|xmin|cmin|xmax|cmax|ctid)$/i;

/** Source: PostgreSQL manual, Appendix K, "PostgreSQL Limits". */
const KEY_COLUMNS_MAX = 32;

interface ColumnInfo {
  name: string;
  type: string;
  notnull: number;
  dflt_value: string | null;
  /** Its place in the primary key, from 1; 0 outside. */
  pk: number;
  /** 2 and 3 are generated columns. */
  hidden: number;
}

interface IndexInfo {
  name: string;
  unique: number;
  /** `c` by CREATE INDEX, `u` by UNIQUE, `pk` by PRIMARY KEY. */
  origin: string;
  partial: number;
}

/** Reads how a table is declared. Source: SQLite, PRAGMA table_xinfo, index_list, index_xinfo and foreign_key_list. */
export function readDeclaration(database: Database.Database, name: string): DeclaredTable {
  const pragma = <Row>(which: string, of: string): Row[] =>
    database.pragma(`${which}(${quoteIdentifier(of)})`) as Row[];
  const all = pragma<ColumnInfo>('table_xinfo', name);
  const plain = all.filter(({ hidden }) => hidden === 0);
  const indexes = pragma<IndexInfo>('index_list', name);
  const primary = plain.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  // An alias of the rowid is the one primary key that needs no index of its own.
  const alias = primary.length === 1 && !indexes.some(({ origin }) => origin === 'pk') ? primary[0] : undefined;
  const columnsOf = (index: IndexInfo): { name: string | null; coll: string }[] =>
    pragma<{ name: string | null; coll: string; key: number }>('index_xinfo', index.name).filter(
      ({ key }) => key === 1,
    );
  const names = new Set(plain.map((column) => column.name));
  const isPlain = (index: IndexInfo): boolean =>
    index.partial === 0 && columnsOf(index).every((column) => column.name !== null && names.has(column.name));
  const made = indexes.filter((index) => index.unique === 1 && isPlain(index));
  const keys = [
    ...(primary.length > 0 ? [{ columns: primary.map((column) => column.name), primary: true }] : []),
    ...made
      .filter(({ origin }) => origin !== 'pk')
      .map((index) => ({ columns: columnsOf(index).map((column) => column.name as string), primary: false })),
  ];
  const foreignKeys = new Set(pragma<{ id: number }>('foreign_key_list', name).map(({ id }) => id)).size;
  const triggers = namesOf(database, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", name);
  const sql = namesOf(database, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", name)[0] ?? '';
  const left: [string, string[]][] = [
    ['generated columns', all.filter(({ hidden }) => hidden > 1).map((column) => column.name)],
    ['indexes', indexes.filter((index) => !made.includes(index)).map((index) => index.name)],
    [
      'collations of indexes',
      made.filter((index) => columnsOf(index).some(({ coll }) => coll !== 'BINARY')).map((index) => index.name),
    ],
    ['default values', plain.filter((column) => column.dflt_value !== null).map((column) => column.name)],
    ['triggers', triggers],
  ];
  return {
    name,
    columns: plain.map((column) => ({
      name: column.name,
      type: column.type,
      notNull: column.notnull === 1 || column === alias,
    })),
    keys: keys.filter((key, place) => keys.findIndex((other) => sameColumns(other, key)) === place),
    notCarried: [
      ...left.filter(([, which]) => which.length > 0).map(([what, which]) => `${what} (${which.sort().join(', ')})`),
      ...(foreignKeys > 0 ? [`foreign keys (${foreignKeys})`] : []),
      ...(/\bCHECK\s*\(/i.test(sql) ? ['CHECK constraints'] : []),
      ...(alias ? [`the numbering of new rows (${alias.name}; PostgreSQL gets no sequence)`] : []),
    ],
    findings: [...findingsOf(database, name, [...names]), ...keys.flatMap((key) => keyFindings(name, key))],
  };
}

/** What a column makes of its values, by the words of its type. Source: SQLite, "Datatypes in SQLite", section 3.1. */
export function affinityOf(type: string): 'INTEGER' | 'TEXT' | 'BLOB' | 'REAL' | 'NUMERIC' {
  if (/INT/i.test(type)) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/i.test(type)) return 'TEXT';
  if (type === '' || /BLOB/i.test(type)) return 'BLOB';
  return /REAL|FLOA|DOUB/i.test(type) ? 'REAL' : 'NUMERIC';
}

function sameColumns(one: UniqueKey, other: UniqueKey): boolean {
  return JSON.stringify(one.columns) === JSON.stringify(other.columns);
}

function findingsOf(database: Database.Database, name: string, columns: string[]): string[] {
  const [listed] = database
    .prepare("SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?")
    .all(name) as { type: string; wr: number }[];
  const findings: string[] = [];
  if (listed?.type !== 'table')
    findings.push(
      `The table "${name}" is ${listed?.type === 'virtual' ? 'a virtual table' : 'part of a virtual table'}: expected one with rows of its own. Leave it behind with --exclude ${name}.`,
    );
  else if (listed.wr === 1)
    findings.push(
      `The table "${name}" is WITHOUT ROWID: expected a table whose rows can be named by rowid. Leave it behind with --exclude ${name}.`,
    );
  if (name === '' || RESERVED_TABLES.test(name))
    findings.push(
      `The table "${name}" has a name that is taken: expected one that is not empty and begins with neither pg_ (tables of PostgreSQL) nor cutover_ (tables of the migrator). Rename it in the source, or leave it behind with --exclude ${name}.`,
    );
  for (const column of columns.filter((one) => one === '' || !isPrintable(one)))
    findings.push(
      `The table "${name}" has a column "${printable(column)}": expected a name that is not empty and has no invisible characters, which are shown here as escapes. Rename it in the source, or leave the table behind with --exclude ${name}.`,
    );
  for (const column of columns.filter((one) => RESERVED_COLUMNS.test(one)))
    findings.push(
      `The table "${name}" has a column "${column}", a name that is taken: expected none of rowid, row_hash and the system columns of PostgreSQL. Rename it in the source, or leave the table behind with --exclude ${name}.`,
    );
  for (const long of [name, ...columns].filter((one) => Buffer.byteLength(one) > IDENTIFIER_BYTES_MAX))
    findings.push(
      `The table "${name}" needs the name "${printable(long)}" in the target, which has ${Buffer.byteLength(long)} bytes: PostgreSQL cuts names at ${IDENTIFIER_BYTES_MAX}. Rename it in the source.`,
    );
  return findings;
}

function keyFindings(name: string, { columns }: UniqueKey): string[] {
  if (columns.length <= KEY_COLUMNS_MAX) return [];
  return [
    `The table "${name}" has a key of ${columns.length} columns: PostgreSQL takes up to ${KEY_COLUMNS_MAX}. Leave it behind with --exclude ${name}.`,
  ];
}

function namesOf(database: Database.Database, sql: string, name: string): string[] {
  return database.prepare(sql).pluck().all(name) as string[];
}
