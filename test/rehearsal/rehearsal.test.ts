import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { rehearse } from '../../rehearsal/rehearse.ts';
import type { RunRecord } from '../../report/run-record.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { freshDatabase } from '../support/postgres.ts';
import { withClient } from '../support/table-bytes.ts';

const RELAY_SECRET = randomBytes(32).toString('hex');

interface Rehearsed {
  record: RunRecord;
  /** Everything that was said: steps, logs, history. */
  said: string;
  url: string;
  password: string;
}

/** A rehearsal on the test run's PostgreSQL, with a role of its own, since roles belong to the whole server. */
async function rehearsed(faultName?: string): Promise<Rehearsed> {
  const database = await freshDatabase();
  const said: string[] = [];
  const record = await rehearse({
    settings: parseSettings({ verifierRole: `verifier_${randomBytes(4).toString('hex')}` }),
    parameters: { RelaySecretKey: RELAY_SECRET },
    databaseUrl: database.url,
    ...(faultName !== undefined && { faultName }),
    publish: 4,
    speed: 1_000,
    signal: new AbortController().signal,
    observer: {
      step: (text) => said.push(text),
      log: (container, line) => said.push(`${container} ${line}`),
      event: (event) => said.push(JSON.stringify(event)),
    },
  });
  return { record, said: said.join('\n'), url: database.url, password: database.password };
}

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

  it('goes back to the old relay when a row was altered in PostgreSQL', async () => {
    const { record, said, url, password } = await rehearsed('mismatch');

    expect(record).toMatchObject({ outcome: 'RolledBack', exitCode: 1, fault: 'mismatch' });
    expect(record.sentence).toMatch(
      /^The old relay serves from SQLite again and nothing was lost, because VerifyCounts failed with VerificationFailed: sphere_relay__events: the same number of rows \(3907\), but not the same rows; not true for 1 events, such as [0-9a-f]{64}: the id is the hash of the event \(NIP-01\)$/,
    );
    expect(record.serving.store).toBe('sqlite');
    expect(record.published).toEqual({ acknowledged: 4, served: 4 });
    expect(record.missingRows).toEqual({ kv: 0, sphere_relay__events: 0, sphere_relay__event_tags: 0 });
    expect(record.source.unchanged).toBe(true);
    expect(names(record)).not.toContain('TakeAuthority');
    expect(names(record).at(-1)).toBe('RolledBack');
    const holder = await withClient(url, (client) => client.query('SELECT holder FROM cutover.authority'));
    expect(holder.rows).toEqual([{ holder: 'source' }]);
    expect(said + JSON.stringify(record)).not.toContain(password);
  });
});
