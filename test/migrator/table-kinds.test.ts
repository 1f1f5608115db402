import { describe, expect, it } from 'vitest';
import { classify, quoteIdentifier, tableNamed } from '../../migrator/table-kinds.ts';

describe('the kind of a table', () => {
  it.each([
    ['relay__events', 'events'],
    ['relay__event_tags', 'event_tags'],
    ['a__b__events', 'events'],
    ['events__events', 'events'],
    ['kv', 'kv'],
  ])('of %s is %s', (name, kind) => {
    expect(classify(name)).toMatchObject({ name, kind });
  });

  it.each([
    'sqlite_sequence',
    'sqlite_stat1',
    ...['', '_data', '_idx', '_content', '_docsize', '_config'].map((suffix) => `relay__events_fts${suffix}`),
  ])('of %s is known to stay behind', (name) => {
    expect(classify(name)).toBe('skipped');
  });

  it.each([
    'events',
    '__events',
    'relay_events',
    'relay__events2',
    'KV',
    'kv2',
    'relay__kv',
    'sqlitedata',
    'relay__events_ftsx',
  ])('of %s is unknown', (name) => {
    expect(classify(name)).toBe('unknown');
  });

  it('is refused for a name in a manifest that no kind has', () => {
    expect(() => tableNamed('invite')).toThrow(
      'No table kind is known for "invite": expected one of events, event_tags, kv.',
    );
    expect(tableNamed('kv').name).toBe('kv');
  });
});

describe('an identifier', () => {
  it('is quoted so that nothing of it is read as SQL', () => {
    expect(quoteIdentifier('a"; DROP TABLE kv; --')).toBe('"a""; DROP TABLE kv; --"');
  });
});
