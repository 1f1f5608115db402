import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../report/run-record.ts';
import { RELAY_SECRET, rehearsed } from '../support/rehearsed.ts';
import { withClient } from '../support/table-bytes.ts';

const names = (record: RunRecord): string[] => record.states.map(({ name }) => name);

describe('a rehearsal of the cutover', () => {
  it('ends with every row proven and the relay on PostgreSQL', async () => {
    const { record, said, url, password } = await rehearsed();

    expect(record.sentence).toMatch(
      /^The relay serves from PostgreSQL: 15,2\d\d rows in 3 tables were compared one by one and are equal\.$/,
    );
    expect(record).toMatchObject({ outcome: 'CutoverComplete', exitCode: 0, fault: null });
    expect(record.serving.store).toBe('postgres');
    expect(record.published).toEqual({ acknowledged: 4, served: 4 });
    expect(record.source.unchanged).toBe(true);
    // The relay's own key is another one here than in the data, so its list of admins is one event more.
    expect(record.tables.map(({ table, verdict, target }) => [table, verdict, target?.rows])).toEqual([
      ['kv', 'verified', 17],
      ['sphere_relay__events', 'verified', 3_902 + 1 + 4],
      ['sphere_relay__event_tags', 'verified', 11_292 + 4],
    ]);
    expect(record.states.every(({ error }) => error === null)).toBe(true);
    expect(names(record).at(-1)).toBe('CutoverComplete');

    // Authority stays with the target, so that no later load can erase what the new relay takes.
    const holder = await withClient(url, (client) => client.query('SELECT holder FROM cutover.authority'));
    expect(holder.rows).toEqual([{ holder: 'target' }]);

    const everything = said + JSON.stringify(record);
    for (const secret of [password, RELAY_SECRET]) expect(everything).not.toContain(secret);
    const control = await withClient(url, (client) => client.query('SELECT * FROM cutover.run'));
    expect(JSON.stringify(control.rows)).not.toContain(password);
  });
});
