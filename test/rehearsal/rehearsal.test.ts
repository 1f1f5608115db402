import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../report/run-record.ts';
import { rehearsed } from '../support/rehearsed.ts';

const names = (record: RunRecord): string[] => record.states.map(({ name }) => name);

describe('a rehearsal of the cutover', () => {
  it('ends with every row proven and the relay on PostgreSQL', async () => {
    let control = '';
    const { record, said, holder, secrets } = await rehearsed({
      whileItStands: async (_, { target }) => {
        control = JSON.stringify((await target.query('SELECT * FROM cutover.run')).rows);
      },
    });

    // How many rows there are depends on how long the client had to publish.
    const total = record.tables.reduce((sum, { target }) => sum + (target?.rows ?? 0), 0);
    expect(record.sentence).toBe(
      `The relay serves from PostgreSQL: ${total.toLocaleString('en-US')} rows in 3 tables were compared one by one and are equal.`,
    );
    expect(record).toMatchObject({ outcome: 'CutoverComplete', exitCode: 0, faults: [] });
    expect(record.serving.store).toBe('postgres');
    const { acknowledged, served } = record.published;
    expect(acknowledged).toBeGreaterThan(5);
    expect(served).toBe(acknowledged);
    expect(record.source.unchanged).toBe(true);
    expect(record.tables.map(({ table, verdict }) => [table, verdict])).toEqual([
      ['kv', 'verified'],
      ['sphere_relay__events', 'verified'],
      ['sphere_relay__event_tags', 'verified'],
    ]);
    // The relay's own key is another one here than in the data, so its list of admins is one event more; and some of what
    // the client publishes comes before the stop, the rest to the new relay.
    const rows = new Map(record.tables.map(({ table, target }) => [table, target?.rows ?? 0]));
    expect(rows.get('kv')).toBe(17);
    const beforeTheStop = (rows.get('sphere_relay__events') ?? 0) - 3_902 - 1;
    expect(beforeTheStop).toBeGreaterThan(0);
    expect(beforeTheStop).toBeLessThan(acknowledged);
    expect(rows.get('sphere_relay__event_tags')).toBe(11_292 + beforeTheStop);
    expect(record.states.every(({ error }) => error === null)).toBe(true);
    expect(names(record).at(-1)).toBe('CutoverComplete');

    // Authority stays with the target, so that no later load can erase what the new relay takes.
    expect(holder).toBe('target');
    for (const secret of secrets) expect(said + control + JSON.stringify(record)).not.toContain(secret);
  });
});
