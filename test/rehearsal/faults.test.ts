import { describe, expect, it } from 'vitest';
import { FAULTS, type Fault } from '../../rehearsal/faults.ts';
import { isFull, part } from '../support/extent.ts';
import { type Rehearsed, rehearsed } from '../support/rehearsed.ts';
import { smallSource } from '../support/small-relay.ts';

/** What must hold after every rehearsal, whatever went wrong. */
function expectNothingLost({ record, said, secrets }: Rehearsed): void {
  expect(record.source.unchanged).toBe(true);
  expect(record.published.acknowledged).toBeGreaterThan(5);
  expect(record.published.served).toBe(record.published.acknowledged);
  for (const secret of secrets) expect(said + JSON.stringify(record)).not.toContain(secret);
}

/** A full run takes the data of the real relay, which is most of what such a rehearsal costs. */
const SOURCE = isFull ? {} : { sourceDirectory: smallSource() };

describe('a rehearsal with a fault', () => {
  it.concurrent.each(FAULTS)('ends as its row says when $title', async (fault: Fault) => {
    const ended = await rehearsed({ faults: [fault], options: SOURCE });
    const { record, holder } = ended;
    const onPostgres = fault.outcome === 'CutoverComplete';

    expect([record.outcome, record.sentence]).toEqual([fault.outcome, expect.stringMatching(fault.because ?? /./)]);
    expect(record).toMatchObject({ exitCode: onPostgres ? 0 : 1, faults: [fault.name] });
    expect(record.serving.store).toBe(onPostgres ? 'postgres' : 'sqlite');
    expect(holder).toBe(onPostgres ? 'target' : 'source');
    expect(record.missingRows).toEqual(
      onPostgres ? null : { kv: 0, sphere_relay__events: 0, sphere_relay__event_tags: 0 },
    );
    if (!onPostgres) expect(record.sentence).toMatch(/^The old relay serves from SQLite again and nothing was lost/);
    expectNothingLost(ended);
  });

  const holding = FAULTS.filter(({ outcome }) => outcome === 'RolledBack');
  it.concurrent.each(part(holding, 2))(
    'halts under hold and ends well after a redrive when $title',
    async (fault: Fault) => {
      const ended = await rehearsed({
        faults: [fault],
        options: { sourceDirectory: smallSource(), onFailure: 'hold', afterwards: 'redrive' },
      });
      expect([ended.record.outcome, ended.record.sentence]).toEqual([
        fault.redriven ?? 'CutoverComplete',
        expect.any(String),
      ]);
      expect(ended.record.executions[0]).toMatchObject({ machine: 'cutover', redrives: 1 });
      expect(ended.holder).toBe(fault.redriven ? 'source' : 'target');
      expectNothingLost(ended);
    },
  );
});
