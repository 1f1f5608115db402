import { isFull } from './extent.ts';

/** What somebody or something does to the rows of a target that was loaded. */
export interface Harm {
  title: string;
  table: string;
  sql: string;
}

interface Column {
  name: string;
  type: 'text' | 'integer';
}

/** The tables of the relay as PostgreSQL has them, apart from what the migrator says of them. */
const TABLES: Record<string, Column[]> = {
  relay__events: [
    { name: 'id', type: 'text' },
    { name: 'created_at', type: 'integer' },
    { name: 'kind', type: 'integer' },
    { name: 'pubkey', type: 'text' },
    { name: 'content', type: 'text' },
    { name: 'tags', type: 'text' },
    { name: 'sig', type: 'text' },
  ],
  relay__event_tags: [
    { name: 'event_id', type: 'text' },
    { name: 'key', type: 'text' },
    { name: 'value', type: 'text' },
  ],
  kv: [
    { name: 'key', type: 'text' },
    { name: 'value', type: 'text' },
  ],
};

/** Where in a text a byte is flipped: a character counted from 1, or from the end by a negative number. */
const PLACES = [1, 2, -1];

/** @param rows how many rows are harmed in turn; each of the first so many rows of each table */
export function allHarms(rows: number): Harm[] {
  return Object.entries(TABLES).flatMap(([table, columns]) => [
    ...Array.from({ length: rows }, (_, row) => columns.flatMap((column) => columnHarms(table, column, row))).flat(),
    ...rowHarms(table, columns),
    ...(table === 'relay__events' ? searchVectorHarms() : []),
    ...(table === 'relay__event_tags' ? tagHarms() : []),
  ]);
}

/** The row of a table that is stored at this place, from 0. */
function rowAt(table: string, row: number): string {
  return `(SELECT ctid FROM ${table} ORDER BY ctid LIMIT 1 OFFSET ${row})`;
}

function columnHarms(table: string, { name, type }: Column, row: number): Harm[] {
  const change = (title: string, value: string): Harm => ({
    title: `${table}.${name} of row ${row}: ${title}`,
    table,
    sql: `UPDATE ${table} SET ${name} = ${value} WHERE ctid = ${rowAt(table, row)}`,
  });
  const exchange = `UPDATE ${table} AS one SET ${name} = other.${name} FROM ${table} AS other
    WHERE other.ctid <> one.ctid AND one.ctid IN (${pair(table, name, row)}) AND other.ctid IN (${pair(table, name, row)})`;
  return [
    ...(type === 'text'
      ? flippedBytes(name, change)
      : Array.from({ length: isFull ? 31 : 2 }, (_, bit) => change(`bit ${bit} flipped`, `${name} # (1 << ${bit})`))),
    change('truncated', type === 'text' ? `left(${name}, -1)` : `${name} >> 1`),
    change('truncated to its half', type === 'text' ? `left(${name}, length(${name}) / 2)` : `${name} % 1000 - 1000`),
    change('emptied', type === 'text' ? `''` : '0'),
    change('NULL', 'NULL'),
    { title: `${table}.${name} of row ${row}: swapped with that of another row`, table, sql: exchange },
  ];
}

/** The row at this place, and the first one that has another value. */
function pair(table: string, column: string, row: number): string {
  return `SELECT ${rowAt(table, row)} UNION ALL (SELECT ctid FROM ${table}
    WHERE ${column} <> (SELECT ${column} FROM ${table} WHERE ctid = ${rowAt(table, row)}) ORDER BY ctid LIMIT 1)`;
}

/** One bit of the last byte of a character, which stays a character. */
function flippedBytes(name: string, change: (title: string, value: string) => Harm): Harm[] {
  return PLACES.map((place) => {
    const position = place > 0 ? String(place) : `length(${name})`;
    return change(
      `a byte flipped in character ${place}`,
      `overlay(${name} placing chr(ascii(substr(${name}, ${position}, 1)) # 1) from ${position} for 1)`,
    );
  });
}

function rowHarms(table: string, columns: Column[]): Harm[] {
  const names = columns.map(({ name }) => name);
  const list = names.join(', ');
  const [key = '', ...others] = names;
  const first = rowAt(table, 0);
  // Of the tags, the first two are the same.
  const copyOfThird = `INSERT INTO ${table} (${list}) SELECT ${list} FROM ${table} WHERE ctid = ${rowAt(table, 2)}`;
  const harm = (title: string, sql: string): Harm => ({ title: `${table}: ${title}`, table, sql });
  return [
    harm('a row missing', `DELETE FROM ${table} WHERE ctid = ${first}`),
    harm('all rows missing', `DELETE FROM ${table}`),
    harm(
      'a row added',
      `INSERT INTO ${table} (${list}) SELECT ${[`'added'`, ...others].join(', ')} FROM ${table} WHERE ctid = ${first}`,
    ),
    harm('a row twice', copyOfThird),
    harm('a row twice and another one missing', `${copyOfThird}; DELETE FROM ${table} WHERE ctid = ${first}`),
    harm(
      'a row in the place of another',
      `DELETE FROM ${table} WHERE ctid = ${rowAt(table, 1)}; UPDATE ${table} SET ${key} = 'another' WHERE ctid = ${first}`,
    ),
    ...columns.slice(1).flatMap(({ name, type }, index) => {
      const before = columns[index] as Column;
      if (type !== 'text' || before.type !== 'text') return [];
      const moved = `${before.name} = ${before.name} || left(${name}, 1), ${name} = substr(${name}, 2)`;
      return harm(`a byte moved from ${name} to ${before.name}`, `UPDATE ${table} SET ${moved} WHERE ctid = ${first}`);
    }),
    harm('no such table', `DROP TABLE ${table} CASCADE`),
  ];
}

function tagHarms(): Harm[] {
  const table = 'relay__event_tags';
  const move = (event: string): string => `UPDATE ${table} SET event_id = ${event} WHERE ctid = ${rowAt(table, 0)}`;
  const harm = (title: string, sql: string): Harm => ({ title: `${table}: ${title}`, table, sql });
  return [
    harm('a tag duplicated', `INSERT INTO ${table} SELECT * FROM ${table} WHERE ctid = ${rowAt(table, 0)}`),
    harm(
      'a duplicate gone',
      `DELETE FROM ${table} WHERE ctid = (SELECT min(ctid) FROM ${table} GROUP BY event_id, key, value HAVING count(*) > 1 LIMIT 1)`,
    ),
    harm(
      'every tag duplicated once more',
      `INSERT INTO ${table} SELECT * FROM ${table}; INSERT INTO ${table} SELECT * FROM ${table}`,
    ),
    harm('a tag moved to another event', move(`(SELECT max(id) FROM relay__events WHERE id <> event_id)`)),
    harm('a tag moved to no event', move(`'none'`)),
    harm(
      'the tags of two events exchanged',
      `UPDATE ${table} SET event_id = CASE event_id WHEN ${idOfRow(0)} THEN ${idOfRow(1)} ELSE ${idOfRow(0)} END
       WHERE event_id IN (${idOfRow(0)}, ${idOfRow(1)})`,
    ),
  ];
}

function idOfRow(row: number): string {
  return `(SELECT id FROM relay__events WHERE ctid = ${rowAt('relay__events', row)})`;
}

/** The trigger would put right at once what is done to a vector alone. */
function searchVectorHarms(): Harm[] {
  const table = 'relay__events';
  const harm = (title: string, sql: string): Harm => ({
    title: `${table}.search_vector: ${title}`,
    table,
    sql: `ALTER TABLE ${table} DISABLE TRIGGER USER; ${sql}`,
  });
  const change = (title: string, value: string, row = 0): Harm =>
    harm(title, `UPDATE ${table} SET search_vector = ${value} WHERE ctid = ${rowAt(table, row)}`);
  const exchange = columnHarms(table, { name: 'search_vector', type: 'text' }, 0).at(-1) as Harm;
  return [
    change('NULL', 'NULL'),
    change('emptied', `''`),
    change('truncated', `ts_delete(search_vector, (tsvector_to_array(search_vector))[1])`),
    change('a letter of a word flipped', `replace(search_vector::text, 'note', 'notf')::tsvector`),
    change('a position flipped', `replace(search_vector::text, ':1', ':7')::tsvector`),
    change('stripped of its positions', 'strip(search_vector)'),
    change('weighted', `setweight(search_vector, 'A')`),
    change('of another language', `to_tsvector('simple', content)`),
    change('filled for a text without words', `'word'`, 2),
    harm('swapped with that of another row', exchange.sql),
    harm('emptied in all rows', `UPDATE ${table} SET search_vector = ''`),
    harm('the column dropped and made again', `ALTER TABLE ${table} DROP search_vector, ADD search_vector tsvector`),
    harm(
      'the column dropped and made again with a default',
      `ALTER TABLE ${table} DROP search_vector, ADD search_vector tsvector DEFAULT ''`,
    ),
    harm(
      'of a content changed without the trigger',
      `UPDATE ${table} SET content = 'other words' WHERE ctid = ${rowAt(table, 0)}`,
    ),
  ];
}
