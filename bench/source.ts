import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import words from 'an-array-of-english-words' with { type: 'json' };
import Database from 'better-sqlite3';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { openSqlite } from '../rehearsal/relay/sqlite-store.ts';

export interface GeneratedSource {
  events: number;
  tags: number;
}

export const SCHEMA = 'relay';

/** The words of which about half of any English text consists, the most frequent ones first. */
const FUNCTION_WORDS =
  'the of and to a in is it you that he was for on are with as i his they be at one have this from or had by not but what all were when we there can an your which their if do will how'.split(
    ' ',
  );
const VOCABULARY = 30_000;
const TEXT_WORDS = 1_000_000;
/** Bytes of a text: half are shorter than the median, a few are many times as long. */
const CONTENT_BYTES = { median: 180, sigma: 1.1, max: 60_000 };
const KINDS = [1, 1, 1, 1, 7, 7, 6, 9, 42, 1111, 30_023];
const TAGS = [0, 1, 2, 2, 2, 3, 3, 3, 4, 5];

/**
 * Writes a relay's SQLite file with its indexes, triggers and full-text index: 2.5 tags an event on average, texts of
 * English words by Zipf's law with long-tailed sizes, ids that are the hash of their events.
 *
 * @param directory for what is needed on the way
 * @param path of the new file
 * @param seed the same number gives the same rows
 */
export function generateSource(directory: string, path: string, events: number, seed: number): GeneratedSource {
  createEmpty(directory, path);
  const database = new Database(path);
  try {
    // Nobody needs a file that was interrupted here.
    database.pragma('journal_mode = OFF');
    database.pragma('synchronous = OFF');
    database.pragma('foreign_keys = OFF');
    const later = database
      .prepare(
        "SELECT sql, 'DROP ' || type || ' ' || name AS remove FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL",
      )
      .all() as { sql: string; remove: string }[];
    for (const { remove } of later) database.exec(remove);
    const tags = database.transaction(() => fill(database, events, xoroshiro128plus(seed)))();
    database.exec(`INSERT INTO ${SCHEMA}__events_fts (${SCHEMA}__events_fts) VALUES ('rebuild')`);
    for (const { sql } of later) database.exec(sql);
    database.pragma('journal_mode = WAL');
    return { events, tags };
  } finally {
    database.close();
  }
}

/** The relay never closes its file, and one that is open elsewhere stays in WAL mode: everything would be written twice. */
function createEmpty(directory: string, path: string): void {
  const relay = mkdtempSync(join(directory, 'schema-'));
  openSqlite(relay, SCHEMA);
  const database = new Database(join(relay, 'db'));
  database.prepare('VACUUM INTO ?').run(path);
  database.close();
  rmSync(relay, { recursive: true });
}

function fill(database: Database.Database, events: number, random: RandomGenerator): number {
  const insertEvent = database.prepare(`INSERT INTO ${SCHEMA}__events VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const insertTag = database.prepare(`INSERT INTO ${SCHEMA}__event_tags VALUES (?, ?, ?)`);
  const insertKeyValue = database.prepare('INSERT INTO kv VALUES (?, ?)');
  const text = runningText(random);
  const pick = <T>(list: T[]): T => list[uniformInt(random, 0, list.length - 1)] as T;
  const pubkeys = Array.from({ length: Math.ceil(events / 20) }, () => hex(random, 32));
  let tagCount = 0;
  let earlier = hex(random, 32);
  for (let number = 0; number < events; number++) {
    const pubkey = pick(pubkeys);
    const createdAt = 1_600_000_000 + uniformInt(random, 0, 10 ** 8);
    const kind = pick(KINDS);
    const tags = Array.from({ length: pick(TAGS) }, () => {
      const key = pick(['p', 'e', 't']);
      return [key, key === 'p' ? pick(pubkeys) : key === 'e' ? earlier : text(10).slice(0, 20)] as const;
    });
    const content = text(contentBytes(random));
    const serialized = JSON.stringify([0, pubkey, createdAt, kind, tags, content]);
    const id = createHash('sha256').update(serialized).digest('hex');
    insertEvent.run(id, createdAt, kind, pubkey, content, JSON.stringify(tags), hex(random, 64));
    for (const [key, value] of tags) insertTag.run(id, key, value);
    tagCount += tags.length;
    earlier = id;
  }
  for (let number = 0; number < events / 200; number++) insertKeyValue.run(`key ${number}`, text(60));
  return tagCount;
}

/** Gives a function that cuts a piece of so many bytes out of a long text, from the beginning of a word. */
function runningText(random: RandomGenerator): (bytes: number) => string {
  const vocabulary = [...FUNCTION_WORDS, ...words.toSorted((a, b) => a.length - b.length)].slice(0, VOCABULARY);
  const ranks = new Float64Array(vocabulary.length);
  let total = 0;
  for (const rank of ranks.keys()) {
    total += 1 / (rank + 2.7);
    ranks[rank] = total;
  }
  const starts = new Uint32Array(TEXT_WORDS);
  let text = '';
  for (let word = 0; word < TEXT_WORDS; word++) {
    starts[word] = text.length;
    text += `${vocabulary[rankAt(ranks, uniformFloat64(random) * total)]} `;
  }
  return (bytes) => {
    const start = starts[uniformInt(random, 0, TEXT_WORDS - 1)] as number;
    return text.slice(start, start + bytes).trimEnd();
  };
}

/** The first rank whose cumulated weight reaches the number. */
function rankAt(ranks: Float64Array, weight: number): number {
  let low = 0;
  let high = ranks.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranks[middle] as number) < weight) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Log-normal, by Box and Muller. */
function contentBytes(random: RandomGenerator): number {
  const { median, sigma, max } = CONTENT_BYTES;
  const normal = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random))) * Math.cos(2 * Math.PI * uniformFloat64(random));
  return Math.min(max, Math.round(median * Math.exp(sigma * normal)));
}

function hex(random: RandomGenerator, bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  for (let offset = 0; offset < bytes; offset += 4)
    buffer.writeInt32BE(uniformInt(random, -(2 ** 31), 2 ** 31 - 1), offset);
  return buffer.toString('hex');
}
