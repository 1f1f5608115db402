import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../rehearsal/faults.ts';
import { RELAY_SECRET, rehearsed } from '../support/rehearsed.ts';
import { withClient } from '../support/table-bytes.ts';

describe('a rehearsal with a fault', () => {
  it.each(FAULTS)('ends as its row says when $title', async ({ name, outcome, because }) => {
    const { record, said, url, password } = await rehearsed(name);

    expect(record).toMatchObject({ outcome, exitCode: 1, fault: name });
    expect(record.sentence).toMatch(/^The old relay serves from SQLite again and nothing was lost, because /);
    expect(record.sentence).toMatch(because);
    expect(record.serving.store).toBe('sqlite');
    expect(record.published).toEqual({ acknowledged: 4, served: 4 });
    expect(record.missingRows).toEqual({ kv: 0, sphere_relay__events: 0, sphere_relay__event_tags: 0 });
    expect(record.source.unchanged).toBe(true);
    expect(record.states.map((state) => state.name)).not.toContain('TakeAuthority');
    const holder = await withClient(url, (client) => client.query('SELECT holder FROM cutover.authority'));
    expect(holder.rows).toEqual([{ holder: 'source' }]);
    for (const secret of [password, RELAY_SECRET]) expect(said + JSON.stringify(record)).not.toContain(secret);
  });
});
