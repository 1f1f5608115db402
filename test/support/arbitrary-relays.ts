import type Database from 'better-sqlite3';
import fc from 'fast-check';
import { createRelayTables, idOf } from './relay-source.ts';

/** What is to be written into the tables of one virtual relay. */
export interface ArbitraryRelay {
  schema: string;
  events: ArbitraryEvent[];
  /** `event` is the place of the tag's event, modulo their number; `times` is how often the row is there. */
  tags: { event: number; key: string; value: string; times: number }[];
}

export interface ArbitraryEvent {
  id: string;
  created_at: bigint;
  kind: number;
  pubkey: string;
  content: string;
  tags: string;
  sig: string;
}

export interface ArbitraryRelays {
  relays: ArbitraryRelay[];
  keyValues: { key: string; value: string }[];
}

/** In front of a number, so that no two are the same to SQLite, which reads names without regard to case. */
const SCHEMA_NAMES = ['relay', 'Größe', 'with space', "it's", 'a.b', 'UPPER', '漢字', 'x__events', 'per%cent', '$do$'];

const ODD_TEXTS = [
  '',
  ' ',
  "'",
  '"',
  '\\',
  '\\N',
  '\\.',
  '\t\n\r\n',
  "'); DROP TABLE kv; --",
  '$do$',
  '\u0001\u007f\u0080\u009f',
  'é e\u0301',
  '\ufeff\u200b\u2028',
  '\ud7ff\ue000\ufffd\uffff',
  '\u{1f680}\u{10ffff}',
  'PGCOPY\n\u00ff\r\n',
];

/** All of Unicode but NUL, which PostgreSQL cannot hold, and lone surrogates, which are no text. */
const shortText = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 24 }).map((text) => text.replaceAll('\0', '\u0001')) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_TEXTS) },
);
/** Up to 60 KB, which is stored out of line. */
const text = fc.oneof(
  { weight: 12, arbitrary: shortText },
  {
    weight: 1,
    arbitrary: fc.tuple(shortText, fc.integer({ min: 1, max: 1_500 })).map(([one, times]) => one.repeat(times)),
  },
);
const int8 = fc.oneof(
  fc.integer({ min: 1_500_000_000, max: 1_900_000_000 }).map(BigInt),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, 2n ** 53n + 1n, -1n, 0n),
);
const int4 = fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, 1));

const event: fc.Arbitrary<ArbitraryEvent> = fc
  .record({
    created_at: int8,
    kind: int4,
    pubkey: shortText,
    content: text,
    tags: fc.array(fc.array(shortText, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
    spaces: fc.constantFrom(0, 0, 0, 1),
    sig: text,
  })
  .map(({ tags, spaces, ...rest }) => {
    const id = idOf({ ...rest, tags: JSON.stringify(tags) });
    return { ...rest, tags: JSON.stringify(tags, null, spaces), id };
  });

const relay = fc.record({
  events: fc.uniqueArray(event, { maxLength: 6, selector: ({ id }) => id }),
  tags: fc.array(
    fc.record({
      event: fc.nat(5),
      key: shortText,
      value: shortText,
      times: fc.constantFrom(1, 1, 1, 2, 3),
    }),
    { maxLength: 8 },
  ),
});

/** Two tables for each of `count` virtual relays, and `kv`. */
export function arbitraryRelays(count: number): fc.Arbitrary<ArbitraryRelays> {
  return fc.record({
    relays: fc
      .array(relay, { minLength: count, maxLength: count })
      .map((all) => all.map((one, index) => ({ ...one, schema: schemaOf(index) }))),
    keyValues: fc.uniqueArray(fc.record({ key: shortText, value: text }), {
      maxLength: 10,
      selector: ({ key }) => key,
    }),
  });
}

function schemaOf(index: number): string {
  return `${SCHEMA_NAMES[index % SCHEMA_NAMES.length]} ${index}`;
}

export function tablesOf({ relays }: ArbitraryRelays): number {
  return relays.length * 2 + 1;
}

/** Makes the tables where they are missing, and adds the rows in one transaction. */
export function writeRelays(database: Database.Database, { relays, keyValues }: ArbitraryRelays): void {
  database.transaction(() => {
    const there = database.prepare('SELECT count(*) FROM sqlite_master WHERE name = ?').pluck();
    for (const one of relays) {
      if (there.get(`${one.schema}__events`) === 0) createRelayTables(database, one.schema, false);
      for (const { table, values } of rowsOf(one))
        database
          .prepare(`INSERT OR IGNORE INTO "${table}" VALUES (${values.map(() => '?').join(', ')})`)
          .run(...values);
    }
    for (const { key, value } of keyValues) database.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?)').run(key, value);
  })();
}

/** Every row of one relay's tables, events first, with its values in the order of the columns. */
export function rowsOf({ schema, events, tags }: ArbitraryRelay): { table: string; values: unknown[] }[] {
  return [
    ...events.map(({ id, created_at, kind, pubkey, content, tags, sig }) => ({
      table: `${schema}__events`,
      values: [id, created_at, kind, pubkey, content, tags, sig],
    })),
    ...tags.flatMap(({ event, key, value, times }) => {
      const id = events[event % events.length]?.id;
      const row = { table: `${schema}__event_tags`, values: [id, key, value] };
      return id === undefined ? [] : Array.from({ length: times }, () => row);
    }),
  ];
}
