import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { migrate } from '../../migrator/main.ts';
import { isPrintable, printableLines } from '../../migrator/printable.ts';
import { classify, quoteIdentifier } from '../../migrator/table-kinds.ts';
import { part } from '../support/extent.ts';
import { cases, HOSTILE_TEXTS, hostileText } from '../support/fuzz.ts';
import { chosen } from '../support/generic-place.ts';
import { environmentOf, migratePlace, type Place } from '../support/migrator.ts';
import { dropDatabase, freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelayTables, idOf } from '../support/relay-source.ts';
import { handOver, reversed } from '../support/reversed.ts';
import { migrated } from '../support/signed-target.ts';
import { databaseObjects, differences, withClient } from '../support/table-bytes.ts';

const seen = { names: 0, loaded: 0, refused: 0 };

/** Names that the statements of the migrator, of SQLite and of PostgreSQL use themselves, and words of their grammars. */
const TAKEN_WORDS = [
  ...['select', 'table', 'user', 'order', 'group', 'all', 'null', 'default', 'primary', 'check', 'public', 'cutover'],
  ...[
    'information_schema',
    'main',
    'temp',
    'run',
    'authority',
    'quarantine',
    'table_progress',
    'excluded',
    'new',
    'old',
  ],
  ...['text', 'int8', 'bytea', 'name', 'row', 'ours', 'theirs', 'hashed', 'sample', 'other', 'repeated', 'tag', 'kept'],
  ...[
    'm',
    't',
    'o',
    'pairs',
    'declared',
    'ours_0',
    'theirs_0',
    'kept_back_0',
    'kept_back_1',
    'dual',
    'values',
    'array',
  ],
  ...['ours_1', 'ours_2', 'theirs_1', 'theirs_2', 'listed', 'numbered', 'sums', 'tables', 'events', 'KV', 'kV'],
];
/** Columns may have these too. */
const TAKEN_COLUMNS = [
  ...['rid', 'place', 'occurrence', 'bucket', 'count', 'reason', 'value', 'first', 'row', 'row_bits', 'table_name'],
  ...['c0', 'v0', 'value_0', 'col_0', 'column_0', 'id', 'key', 'replaced', 'bytes', 'oid', '_rowid_', 'search_vector'],
];

interface NamedTable {
  name: string;
  columns: string[];
}

function createTables(path: string, tables: NamedTable[], schemas: string[] = []): void {
  const database = new Database(path);
  for (const schema of schemas) {
    createRelayTables(database, schema.replaceAll('"', '""'), false);
    const event = { created_at: 1, kind: 1, pubkey: 'p', content: schema, tags: '[]' };
    const id = idOf(event);
    database
      .prepare(`INSERT INTO ${quoteIdentifier(`${schema}__events`)} VALUES (?, 1, 1, 'p', ?, '[]', 's')`)
      .run(id, schema);
    database.prepare(`INSERT INTO ${quoteIdentifier(`${schema}__event_tags`)} VALUES (?, 'k', ?)`).run(id, schema);
  }
  database.exec(`CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL)`);
  for (const { name, columns } of tables) {
    database.exec(
      `CREATE TABLE ${quoteIdentifier(name)} (${columns.map(quoteIdentifier).join(', ')}, UNIQUE (${columns.map(quoteIdentifier).join(', ')}))`,
    );
    const insert = database.prepare(
      `INSERT INTO ${quoteIdentifier(name)} VALUES (${columns.map(() => '?').join(', ')})`,
    );
    for (const row of ['a', 'b', 'c']) insert.run(...columns.map((column) => `${row} ${column}`));
  }
  database.close();
}

async function placeOf(tables: NamedTable[], schemas: string[] = []): Promise<Place> {
  const sqlitePath = join(await temporaryDirectory(), 'db');
  createTables(sqlitePath, tables, schemas);
  seen.names += schemas.length + tables.reduce((sum, { columns }) => sum + 1 + columns.length, 0);
  const unknown = tables.map(({ name }) => name).filter((name) => classify(name) === 'unknown');
  return { sqlitePath, url: (await freshDatabase()).url, options: chosen([], unknown) };
}

/** One row of each table another, on either side. */
function changeSource({ sqlitePath }: Place, tables: NamedTable[]): void {
  const database = new Database(sqlitePath);
  for (const { name, columns } of tables) {
    const [table, column] = [quoteIdentifier(name), quoteIdentifier(columns[0] as string)];
    database.exec(
      `UPDATE ${table} SET ${column} = 'changed' WHERE ${column} LIKE 'b %'; DELETE FROM ${table} WHERE ${column} LIKE 'c %'`,
    );
  }
  database.close();
}

async function changeTarget({ url }: Place, tables: NamedTable[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const { name, columns } of tables) {
      const [table, column] = [`public.${quoteIdentifier(name)}`, quoteIdentifier(columns[0] as string)];
      await client.query(
        `UPDATE ${table} SET ${column} = 'changed back' WHERE ${column} = 'changed'; DELETE FROM ${table} WHERE ${column} LIKE 'a %'`,
      );
      await client.query(`INSERT INTO ${table} (${column}) VALUES ('new')`);
    }
  });
}

/** Whether PostgreSQL can have the name, and a log can show it. */
const isPossible = (name: string): boolean =>
  name !== '' && Buffer.byteLength(name) <= 63 && isPrintable(name) && !/[\0\ud800-\udfff]/u.test(name);
/** SQLite reads the letters of ASCII alone without regard to case. */
const withoutCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const unique = (names: string[]): string[] => [...new Map(names.map((name) => [withoutCase(name), name])).values()];
const NAMES = unique([...HOSTILE_TEXTS, ...TAKEN_WORDS]).filter(
  (name) => isPossible(name) && withoutCase(name) !== 'kv',
);
const COLUMNS = unique([...HOSTILE_TEXTS, ...TAKEN_WORDS, ...TAKEN_COLUMNS]).filter(isPossible);
/** So many columns has a key of PostgreSQL at most. */
const KEY_COLUMNS_MAX = 32;

/** What a refused load may leave behind: the word that it was refused. */
const isOfRelay = (object: string): boolean => !/^(schema|relation) cutover\b/.test(object);

async function assertNothingMade(place: Place): Promise<void> {
  expect((await databaseObjects(place.url)).filter(isOfRelay)).toEqual([]);
}

describe('identifiers of the source', () => {
  it('of every kind name tables and columns that go over, are brought up to date, and come back', async () => {
    const tables = part(NAMES, 4).map((name, place) => ({
      name,
      columns: [COLUMNS[(place * 3) % COLUMNS.length] as string, 'second'],
    }));
    for (let place = 0; place < COLUMNS.length; place += KEY_COLUMNS_MAX)
      tables.push({ name: `columns ${place}`, columns: COLUMNS.slice(place, place + KEY_COLUMNS_MAX) });
    // The name of a column that relays have in PostgreSQL alone.
    tables.push({ name: 'nothing else', columns: ['search_vector'] });
    const place = await placeOf(tables);
    await migrated(place, 'load', 'load');
    const generic = tables.map(({ name }) => name);
    changeSource(place, tables);
    await handOver(place);
    expect(await differences(place, generic)).toEqual([]);
    await changeTarget(place, tables);
    expect(await reversed(place, { CUTOVER_ALLOW_DELETIONS: '1' })).toMatchObject({ code: 0 });
    expect(await differences(place, generic)).toEqual([]);
    seen.loaded += 1;
  });

  // Of each, a table of the system or of a run would have been found in its place.
  it.each(['pg_class', 'pg_x', 'PG_type', 'cutover_delta', 'cutover_ours', 'cutover_trial', 'cutover_kept_back_0', ''])(
    'refuse the table "%s", whose name is taken',
    async (name) => {
      const place = await placeOf([{ name, columns: ['a'] }]);
      const { code, message } = await migratePlace('load', place);
      expect({ code, message }).toEqual({
        code: 2,
        message: `The table "${name}" has a name that is taken: expected one that is not empty and begins with neither pg_ (tables of PostgreSQL) nor cutover_ (tables of the migrator). Rename it in the source, or leave it behind with --exclude ${name}.`,
      });
      await assertNothingMade(place);
      seen.refused += 1;
    },
  );

  it('refuse a name that is no UTF-8, which would be looked up as another one', async () => {
    const place = await placeOf([{ name: 'ABC', columns: ['a'] }]);
    const database = new Database(place.sqlitePath);
    database.unsafeMode(true);
    database.pragma('writable_schema = ON');
    database.exec(
      `UPDATE sqlite_master SET name = CAST(x'41ff43' AS TEXT), tbl_name = CAST(x'41ff43' AS TEXT), sql = CAST(CAST(replace(sql, '"ABC"', '"A') AS BLOB) || x'ff4322' || x'20286129' AS TEXT) WHERE name = 'ABC'`,
    );
    database.close();
    const { code, message } = await migratePlace('load', place);
    expect(code).toBe(2);
    expect(message).toMatch(/by bytes that are no UTF-8|is damaged/);
    await assertNothingMade(place);
  });

  it('of relays, in schemas of every kind, go over or are refused with the reason', async () => {
    // Those are found in a database where a backslash in a literal takes the quote behind it along.
    const found = ["\\'", "\\'); --"];
    const schemas = unique([...found, ...part(NAMES, 4).filter((name) => Buffer.byteLength(name) < 20)]);
    const place = await placeOf([], schemas);
    const { pathname } = new URL(place.url);
    await withClient(place.url, (client) =>
      client.query(`ALTER DATABASE ${pathname.slice(1)} SET standard_conforming_strings TO off`),
    );
    await migrated(place, 'load', 'load');
    await handOver(place);
    expect(await differences(place)).toEqual([]);
    seen.loaded += 1;
  });

  it('of any characters go over as they are, or are refused before anything is made', async () => {
    const name = fc.oneof(hostileText, fc.constantFrom(...NAMES, ...COLUMNS), longText);
    const table = fc.record({
      name,
      columns: fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: withoutCase }),
    });
    const tables = fc.uniqueArray(table, { minLength: 1, maxLength: 6, selector: (one) => withoutCase(one.name) });
    const property = fc.asyncProperty(tables, async (all) => {
      const possible = all.filter((one) => canBeMade(one));
      const place = await placeOf(possible);
      const { code, message = '' } = await migratePlace('load', place);
      if (code === 0) {
        seen.loaded += 1;
        const generic = possible.map((one) => one.name).filter((one) => classify(one) === 'unknown');
        expect(await differences(place, generic)).toEqual([]);
      } else {
        seen.refused += 1;
        expect({ code, message }).toMatchObject({ code: 2 });
        expect(message).not.toMatch(/syntax error|no such (table|column)|PostgreSQL refused/);
        expect(printableLines(message).join('\n')).toBe(message);
        await assertNothingMade(place);
      }
      await dropDatabase(place.url);
    });
    await fc.assert(property, { ...cases(12), endOnFailure: true });
  });

  it('can write no line of their own, and nothing that a terminal obeys', async () => {
    const hostile = HOSTILE_TEXTS.filter((name) => !isPrintable(name) && !/[\ud800-\udfff]/.test(name));
    const names = unique(hostile.map((name) => `x${name}  kv: source=1 dest=1 [OK]`));
    const tables = names.map((name) => ({ name, columns: ['a'] }));
    for (const options of [{}, chosen([], names), chosen(names, [])]) {
      const place = { ...(await placeOf(tables)), options };
      for (const json of [false, true]) {
        const lines = await outputOf(place, json);
        expect(lines.filter((line) => !isPrintable(line))).toEqual([]);
        expect(lines.filter((line) => /^\s*kv: source=1 dest=1/.test(line))).toEqual([]);
        if (json) for (const line of lines) JSON.parse(line);
      }
    }
  });
});

/** What a run writes, the sentence of its failure among it. */
async function outputOf(place: Place, json: boolean): Promise<string[]> {
  const lines: string[] = [];
  const write = vi
    .spyOn(process.stderr, 'write')
    .mockImplementation((text) => lines.push(...String(text).split('\n')) > 0);
  await migrate('check', { json, environment: environmentOf(place), output: (line) => lines.push(line) });
  write.mockRestore();
  return lines.flatMap((line) => line.split('\n'));
}

/** Around the 63 bytes that a name of PostgreSQL has at most, of characters of one to four bytes. */
const longText = fc
  .tuple(fc.constantFrom('a', 'ö', '漢', '\u{1f680}'), fc.integer({ min: 55, max: 70 }), fc.constantFrom('', '1', '2'))
  .map(([character, bytes, ending]) => character.repeat(Math.floor(bytes / Buffer.byteLength(character))) + ending);

/** What SQLite itself takes, and what is no table of a relay by its name alone. */
function canBeMade({ name, columns }: NamedTable): boolean {
  const isTaken = /^sqlite_/i.test(name) || withoutCase(name) === 'kv';
  return !isTaken && [name, ...columns].every((one) => !/[\0\ud800-\udfff]/u.test(one));
}

afterAll(() => console.log(`fuzz: ${seen.names} identifiers, ${seen.loaded} sources loaded, ${seen.refused} refused`));
