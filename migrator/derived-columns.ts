import type Database from 'better-sqlite3';
import { affinityOf, type DeclaredColumn, type DeclaredTable, readDeclaration } from './declared-table.ts';
import { genericTable } from './generic-table.ts';
import { type Column, quoteIdentifier, type Table } from './table-kinds.ts';

/** A generic table, or why it cannot be one; and what to tell of it. */
export interface ReadTable {
  table: Table;
  notes: string[];
  findings: string[];
}

interface Columns {
  columns: Column[];
  notes: string[];
  findings: string[];
}

/** SQLite's storage classes, and the type that has all values of one. */
const TYPES = { integer: 'int8', real: 'float8', text: 'text', blob: 'bytea' } as const;
const BY_AFFINITY = { INTEGER: 'int8', TEXT: 'text', BLOB: 'bytea', REAL: 'float8', NUMERIC: 'float8' } as const;
type Class = keyof typeof TYPES;
const CLASSES = Object.keys(TYPES) as Class[];

/** How many values of each class a column has; `large` are integers that a double may not have as they are. */
type Seen = Record<Class | 'null' | 'large', number>;

/** SQLite gives at most 2,000 columns, and each column of the table takes six. */
const COLUMNS_AT_ONCE = 300;

/**
 * Makes a generic table of one of the file's, with types that all values have which are really there: SQLite keeps to no
 * declaration. Every row is read once, and once more for each further 300 columns.
 *
 * @param inTarget the columns that the target has, on the way back: they then decide, and what does not fit them stays
 */
export function readGenericTable(database: Database.Database, name: string, inTarget?: Column[]): ReadTable {
  const declared = readDeclaration(database, name);
  if (declared.findings.length > 0) return { table: genericTable(name, []), notes: [], findings: declared.findings };
  const { columns, notes, findings } = inTarget ? columnsOfTarget(declared, inTarget) : derive(database, declared);
  const nullable = columns.filter((column) => column.nullable).map((column) => column.name);
  const keys = declared.keys.map((key) => {
    if (!key.primary || !key.columns.some((column) => nullable.includes(column))) return key;
    notes.push(`The primary key of "${name}" has rows with NULL: PostgreSQL gets a UNIQUE constraint in its place.`);
    return { ...key, primary: false };
  });
  if (declared.notCarried.length > 0)
    notes.push(`What PostgreSQL does not get of "${name}": ${declared.notCarried.join('; ')}.`);
  return { table: genericTable(name, columns, keys), notes: inTarget ? [] : notes, findings };
}

function columnsOfTarget({ name, columns }: DeclaredTable, inTarget: Column[]): Columns {
  const found = columns.map((column) => inTarget.find((other) => other.name === column.name));
  return {
    columns: found.filter((column) => column !== undefined),
    notes: [],
    findings: columns
      .filter((_, place) => found[place] === undefined)
      .map(
        (column) =>
          `The table "${name}" has a column "${column.name}", which the target has not: it has ${inTarget.map((other) => other.name).join(', ')}. Add the column in PostgreSQL, then repeat.`,
      ),
  };
}

function derive(database: Database.Database, { name, columns: declared, keys }: DeclaredTable): Columns {
  const columns: Column[] = [];
  const notes: string[] = [];
  const findings: string[] = [];
  // A primary key makes its columns NOT NULL in PostgreSQL, whatever SQLite lets in.
  const inPrimaryKey = keys.filter(({ primary }) => primary).flatMap((key) => key.columns);
  for (let place = 0; place < declared.length; place += COLUMNS_AT_ONCE) {
    const some = declared.slice(place, place + COLUMNS_AT_ONCE);
    for (const [index, seen] of count(database, name, some).entries()) {
      const column = some[index] as DeclaredColumn;
      const fitting = typeOf(seen);
      const type = fitting === undefined || fitting === 'mixed' ? BY_AFFINITY[affinityOf(column.type)] : fitting;
      if (fitting === 'mixed') findings.push(mixture(database, name, column.name, seen));
      if (fitting === undefined)
        notes.push(
          `The column "${column.name}" of "${name}" has no value: its type ${type} is that of its declaration (${column.type || 'none'}).`,
        );
      const isFilled = seen.null === 0 && (column.notNull || inPrimaryKey.includes(column.name));
      columns.push({ name: column.name, type, ...(!isFilled && { nullable: true as const }) });
    }
  }
  return { columns, notes, findings };
}

const isOf = (column: string, name: string): string => `typeof(${column}) = '${name}'`;
/** What is counted of a column. */
const CONDITIONS: Record<keyof Seen, (column: string) => string> = {
  integer: (column) => isOf(column, 'integer'),
  real: (column) => isOf(column, 'real'),
  text: (column) => isOf(column, 'text'),
  blob: (column) => isOf(column, 'blob'),
  null: (column) => isOf(column, 'null'),
  large: (column) => `${isOf(column, 'integer')} AND ${column} NOT BETWEEN -9007199254740992 AND 9007199254740992`,
};

function count(database: Database.Database, table: string, columns: DeclaredColumn[]): Seen[] {
  const conditions = Object.entries(CONDITIONS);
  const results = columns.flatMap(({ name }) =>
    conditions.map(([, condition]) => `count(CASE WHEN ${condition(quoteIdentifier(name))} THEN 1 END)`),
  );
  const row = database
    .prepare(`SELECT ${results.join(', ')} FROM ${quoteIdentifier(table)}`)
    .raw()
    .get() as number[];
  let place = 0;
  return columns.map(() => Object.fromEntries(conditions.map(([word]) => [word, row[place++]])) as unknown as Seen);
}

/** The type that has every value as it is; undefined without values. */
function typeOf(seen: Seen): Column['type'] | 'mixed' | undefined {
  const [first, ...others] = CLASSES.filter((word) => seen[word] > 0);
  if (first === undefined) return undefined;
  if (others.length === 0) return TYPES[first];
  const areNumbers = first === 'integer' && others.join() === 'real';
  return areNumbers && seen.large === 0 ? 'float8' : 'mixed';
}

function mixture(database: Database.Database, table: string, column: string, seen: Seen): string {
  const words = [...CLASSES, 'large' as const].filter((word) => seen[word] > 0);
  const said = words.map((word) => {
    const first = database
      .prepare(
        `SELECT rowid FROM ${quoteIdentifier(table)} WHERE ${CONDITIONS[word](quoteIdentifier(column))} ORDER BY rowid LIMIT 1`,
      )
      .pluck()
      .safeIntegers()
      .get();
    return `${word === 'large' ? 'integer beyond 2^53' : word} × ${seen[word]} (first at rowid ${first})`;
  });
  return `The column "${column}" of "${table}" has no type that holds all its values: seen ${said.join(', ')}; expected values of one kind, or reals and integers up to 2^53. Correct them in the source, or leave the table behind with --exclude ${table}.`;
}
