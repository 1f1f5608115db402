import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { changeSource } from '../../bench/changed-source.ts';
import { generateSource } from '../../bench/source.ts';
import { eventId, type StoredEvent } from '../../migrator/event-id.ts';
import { temporaryDirectory } from '../support/relay-process.ts';

const EVENTS = 2_000;

interface Content {
  events: Map<string, StoredEvent>;
  tags: string[];
  kv: string[];
}

async function generated(seed: number): Promise<string> {
  const directory = await temporaryDirectory();
  const path = join(directory, 'db');
  generateSource(directory, path, EVENTS, seed);
  return path;
}

function contentOf(path: string): Content {
  const database = new Database(path, { readonly: true });
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(database.pragma('foreign_key_check')).toEqual([]);
    return {
      events: new Map(all<StoredEvent>('SELECT * FROM relay__events').map((event) => [event.id, event])),
      tags: all('SELECT * FROM relay__event_tags').map((row) => JSON.stringify(row)),
      kv: all('SELECT * FROM kv').map((row) => JSON.stringify(row)),
    };
  } finally {
    database.close();
  }
}

function tagsOf({ events }: Content): string[] {
  return [...events.values()]
    .flatMap(({ id, tags }) =>
      (JSON.parse(tags) as string[][]).map(([key, value]) => JSON.stringify({ event_id: id, key, value })),
    )
    .sort();
}

describe('the generated source', () => {
  it('is the same for the same seed, and another one for another', async () => {
    const [first, second, other] = [await generated(1), await generated(1), await generated(2)].map(contentOf);
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('holds events by NIP-01, their tags, and a full-text index over all of them', async () => {
    const path = await generated(1);
    const content = contentOf(path);
    expect(content.events.size).toBe(EVENTS);
    expect([...content.events.values()].filter((event) => eventId(event) !== event.id)).toEqual([]);
    expect(content.tags.toSorted()).toEqual(tagsOf(content));
    expect(content.tags.length / EVENTS).toBeCloseTo(2.5, 0);
    const database = new Database(path, { readonly: true });
    const found = database
      .prepare("SELECT count(*) FROM relay__events_fts WHERE relay__events_fts MATCH 'the'")
      .pluck();
    expect(found.get()).toBeGreaterThan(EVENTS / 2);
    database.close();
  });
});

describe('the changed source', () => {
  it('has one event in a hundred replaced, deleted or added, with its tags, all by NIP-01', async () => {
    const path = await generated(1);
    changeSource(path, `${path}-changed`);
    const [before, after] = [contentOf(path), contentOf(`${path}-changed`)];
    const added = [...after.events.values()].filter(({ id }) => !before.events.has(id));
    const gone = [...before.events.keys()].filter((id) => !after.events.has(id));
    expect({ added: added.length, gone: gone.length }).toEqual({ added: EVENTS * (3 / 400), gone: EVENTS * (2 / 400) });
    expect([...after.events.values()].filter((event) => eventId(event) !== event.id)).toEqual([]);
    expect(after.tags.toSorted()).toEqual(tagsOf(after));
    expect(after.kv.length).toBe(before.kv.length);
  });
});
