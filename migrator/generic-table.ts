import { hash } from 'node:crypto';
import {
  type Column,
  constraint,
  createTable,
  IDENTIFIER_BYTES_MAX,
  indexLimit,
  quoteIdentifier,
  type Table,
} from './table-kinds.ts';

/** The kind of a table that no relay of ours knows, and that goes over as it is because somebody asked for it by name. */
export const GENERIC_KIND = 'generic';

/** Columns that no two rows have alike. Those of a primary key are not nullable. */
export interface UniqueKey {
  columns: string[];
  primary: boolean;
}

/** A table of any name and columns, with the keys that it gets in the target. */
export function genericTable(name: string, columns: Column[], keys: UniqueKey[] = []): Table {
  const named = keys.map((key) => ({ ...key, name: keyName(name, key, keys) }));
  const definition = ({ primary, columns }: UniqueKey): string =>
    `${primary ? 'PRIMARY KEY' : 'UNIQUE'} (${columns.map(quoteIdentifier).join(', ')})`;
  return {
    name,
    kind: GENERIC_KIND,
    columns,
    create: [createTable(name, columns)],
    indexes: named.map((key) => constraint(key.name, name, definition(key))),
    constraints: [],
    after: [],
    keys: named,
    limits: named
      .map((key) => ({ name: key.name, columns: columns.filter((column) => key.columns.includes(column.name)) }))
      .filter((key) => key.columns.some(({ type }) => type === 'text' || type === 'bytea'))
      .map((key) => indexLimit(key.name, key.columns)),
    promises: [],
  };
}

/** PostgreSQL cuts longer names off in silence, and columns `a_b` make the same name as `a` and `b`: such names get a hash. */
function keyName(table: string, key: UniqueKey, all: UniqueKey[]): string {
  const plainName = ({ columns, primary }: UniqueKey): string =>
    [table, ...(primary ? ['pkey'] : [...columns, 'key'])].join('_');
  const plain = plainName(key);
  const isAlone = all.filter((one) => plainName(one) === plain).length === 1;
  if (isAlone && Buffer.byteLength(plain) <= IDENTIFIER_BYTES_MAX) return plain;
  const ending = `_${hash('sha256', JSON.stringify([table, key])).slice(0, 16)}`;
  let beginning = '';
  for (const character of plain) {
    if (Buffer.byteLength(beginning + character) + ending.length > IDENTIFIER_BYTES_MAX) break;
    beginning += character;
  }
  return beginning + ending;
}
