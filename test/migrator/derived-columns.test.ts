import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { affinityOf } from '../../migrator/declared-table.ts';
import { readGenericTable } from '../../migrator/derived-columns.ts';

/** Makes a table of one column and says what is derived of it. */
function derived(declaration: string, ...values: string[]) {
  const database = new Database(':memory:');
  database.exec(
    `CREATE TABLE t (c ${declaration}); ${values.map((value) => `INSERT INTO t VALUES (${value});`).join('')}`,
  );
  const { table, findings } = readGenericTable(database, 't');
  return findings.length > 0 ? findings : table.columns[0];
}

const column = (type: string, nullable = true) => ({ name: 'c', type, ...(nullable && { nullable }) });
const mixed = (seen: string) => [
  `The column "c" of "t" has no type that holds all its values: seen ${seen}; expected values of one kind, or reals and integers up to 2^53. Correct them in the source, or leave the table behind with --exclude t.`,
];

describe('the type of a column', () => {
  it.each<[string, string, string[], unknown]>([
    ['integers', 'TEXT', ["x'00'", 'NULL'], column('bytea')],
    ['integers', '', ['1', '-9223372036854775808', '9223372036854775807'], column('int8')],
    ['one integer among NULLs', '', ['NULL', '1', 'NULL'], column('int8')],
    ['reals', 'INTEGER', ['0.5', '1e300'], column('float8')],
    ['texts, whatever is declared', 'INTEGER', [`'a'`, `''`], column('text')],
    ['blobs, whatever is declared', 'TEXT', [`x''`, `x'00'`], column('bytea')],
    ['integers and reals', '', ['9007199254740992', '-9007199254740992', '0.5'], column('float8')],
    ['infinities', '', ['9e999', '-9e999', '1'], column('float8')],
    [
      'large integers and a real',
      '',
      ['9007199254740993', '1', '0.5'],
      mixed('integer × 2 (first at rowid 1), real × 1 (first at rowid 3), integer beyond 2^53 × 1 (first at rowid 1)'),
    ],
    [
      'the smallest integer and a real',
      '',
      ['0.5', '-9223372036854775808'],
      mixed('integer × 1 (first at rowid 2), real × 1 (first at rowid 1), integer beyond 2^53 × 1 (first at rowid 2)'),
    ],
    ['integers and texts', '', ['1', `'1'`], mixed('integer × 1 (first at rowid 1), text × 1 (first at rowid 2)')],
    [
      'reals and blobs',
      '',
      ['NULL', "x'00'", '0.5', '1.5'],
      mixed('real × 2 (first at rowid 3), blob × 1 (first at rowid 2)'),
    ],
    ['integers and blobs', '', ["x'00'", '1'], mixed('integer × 1 (first at rowid 2), blob × 1 (first at rowid 1)')],
    ['texts and blobs', '', [`'a'`, `x'61'`], mixed('text × 1 (first at rowid 1), blob × 1 (first at rowid 2)')],
    ['nothing but NULL', 'VARCHAR(5)', ['NULL'], column('text')],
    ['no row at all', 'BOOLEAN', [], column('float8')],
    ['NOT NULL', 'INTEGER NOT NULL', ['1'], column('int8', false)],
    ['a primary key', 'TEXT PRIMARY KEY', [`'a'`], column('text', false)],
    ['a primary key with NULL', 'TEXT PRIMARY KEY', ['NULL', `'a'`], column('text')],
    ['an alias of the rowid', 'INTEGER PRIMARY KEY', ['NULL'], column('int8', false)],
    ['a primary key that is no alias', 'INTEGER PRIMARY KEY DESC', ['NULL'], column('int8')],
  ])('of %s, declared as "%s"', (_, declaration, values, expected) => {
    expect(derived(declaration, ...values)).toEqual(expected);
  });

  it('is found in tables of more columns than one look takes', () => {
    const database = new Database(':memory:');
    const classes = ['1', '0.5', `'a'`, `x'00'`];
    const names = Array.from({ length: 650 }, (_, place) => `c${place}`);
    database.exec(
      `CREATE TABLE t (${names.join(', ')}); INSERT INTO t VALUES (${names.map((_, place) => classes[place % 4]).join(', ')})`,
    );
    const types = ['int8', 'float8', 'text', 'bytea'];
    expect(readGenericTable(database, 't').table.columns).toEqual(
      names.map((name, place) => ({ name, type: types[place % 4], nullable: true })),
    );
  });

  it('of a declaration is the affinity that SQLite gives it', () => {
    const database = new Database(':memory:');
    for (const declared of [
      'INT',
      'tinyint',
      'CHARINT',
      'varchar(9)',
      'CLOB',
      'text',
      'BLOB',
      '',
      'real',
      'FLOAT',
      'DOUBLE PRECISION',
      'DATETIME',
      'BOOLEAN',
      'DECIMAL(1,2)',
      'STRING',
    ]) {
      database.exec(`DROP TABLE IF EXISTS t; CREATE TABLE t (c ${declared}); INSERT INTO t VALUES ('5'), (5)`);
      const [text, integer] = database.prepare('SELECT typeof(c) FROM t').pluck().all() as string[];
      const seen = {
        'integer integer': /INTEGER|NUMERIC/,
        'text text': /TEXT/,
        'text integer': /BLOB/,
        'real real': /REAL/,
      };
      expect({ declared, affinity: affinityOf(declared) }).toEqual({
        declared,
        affinity: expect.stringMatching(seen[`${text} ${integer}` as keyof typeof seen]),
      });
    }
  });
});
