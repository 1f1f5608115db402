import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failService } from '../../rehearsal/fault-means.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import { servedEvents } from '../../rehearsal/writer.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates, statesBetween } from '../statemachine/graph.ts';
import { failing } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';

const machine = cutoverMachine(parseSettings());
const isTask = new Set(
  allStates(machine.States)
    .filter(({ state }) => state.Type === 'Task')
    .map(({ name }) => name),
);
const wayBack = [...isTask].filter((name) => {
  const reached = statesBetween(machine, 'AskAuthority', '');
  return reached.includes(name) || name === 'VerifyReversedTable';
});

/** Where the way back goes on without an answer, or waits for a person before it goes on, the cutover itself ends it. */
const OTHERWISE: Record<string, string> = {
  AskAuthority: 'RolledBack',
  RunReverse: 'RolledBack',
  ReadReverse: 'RolledBack',
  VerifyReversedTable: 'RolledBack',
  AssertNoneRan: 'RolledBack',
};

describe('each task of the way back', () => {
  const directory = mkdtempSync(join(tmpdir(), 'way-back-states-'));
  const sourceDirectory = join(directory, 'data');
  beforeAll(() => makeSmallRelay(sourceDirectory));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const onTheWayBack = wayBack.filter(
    (name) => isTask.has(name) && !/^(Hold|Release|Reclaim|AwaitAuthority)/.test(name),
  );
  it.concurrent.each(onTheWayBack)(
    'may fail for good on the way back: %s, and restore brings the old relay back',
    async (state) => {
      const fault = failing(state);
      const { record, holder } = await rehearsed({
        // The target holds the truth by then, so that every state of the way back is gone through.
        faults: [failing('HealthCheckNewRelay'), fault],
        options: { sourceDirectory, afterwards: state in OTHERWISE ? 'redrive' : 'nothing' },
      });
      expect([record.outcome, record.sentence]).toEqual([
        OTHERWISE[state] ?? 'Restored',
        expect.stringMatching(/^The old relay serves from SQLite again and nothing was lost/),
      ]);
      expect(record.published.served).toBe(record.published.acknowledged);
      expect(holder).toBe('source');
    },
  );

  it.concurrent.each(onTheWayBack.filter((name) => name !== 'AskAuthority'))(
    'may fail for good in restore: %s, whose redrive begins anew',
    async (state) => {
      const fault = failing(state, 'instead', 'restore');
      await rehearsed({
        faults: [failing('HealthCheckNewRelay'), failing('AwaitRelaysStopped'), fault],
        options: { sourceDirectory },
        whileItStands: async ({ outcome }, stage) => {
          expect(outcome).toBe('Held');
          fault.repair();
          await expectRestored(stage);
        },
      });
    },
  );

  it('may find the stack rolled back in restore, whose redrive begins anew', async () => {
    await rehearsed({
      faults: [
        failing('HealthCheckNewRelay'),
        failing('AwaitRelaysStopped'),
        {
          ...failing('ExecuteRestore', 'instead', 'restore'),
          when: 'before',
          harm: (stage) => failService(stage, 'Resource handler returned message: "Service Unavailable"'),
        },
      ],
      options: { sourceDirectory },
      whileItStands: async ({ outcome, sentence }, stage) => {
        expect([outcome, sentence]).toEqual([
          'Held',
          expect.stringContaining('AwaitRestore failed with StackUpdateFailed'),
        ]);
        await expectRestored(stage);
      },
    });
  });
});

/** Redrives the halted `restore`, and sees the old relay serve all that was ever accepted. */
async function expectRestored({ stepFunctions, world, acknowledged, target }: Stage): Promise<void> {
  const restore = stepFunctions.started.find(({ machine }) => machine === 'restore');
  if (!restore) throw new Error('restore was not started');
  stepFunctions.redrive(restore.execution);
  await stepFunctions.settled();
  expect(await restore.execution.done).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Restored' } });
  expect((await servedEvents(world.endpoint, acknowledged)).size).toBe(acknowledged.length);
  expect((await target.query('SELECT holder FROM cutover.authority')).rows).toEqual([{ holder: 'source' }]);
  expect(world.writersLog.overlaps).toEqual([]);
}
