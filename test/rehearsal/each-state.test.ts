import { createHash } from 'node:crypto';
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
const wayBack = statesBetween(machine, 'AskAuthority', '');
/** Everything before the way back, those inside the Map too; the halts themselves are on the way of every one of them. */
const forward = [...isTask].filter(
  (name) => !wayBack.includes(name) && !/^(Hold|Re(claim|assess|stStackAfter)|VerifyReversed)/.test(name),
);

/** Where the way back goes on without an answer, or waits for a person before it goes on, the cutover itself ends it. */
const OTHERWISE: Record<string, string> = {
  AskAuthority: 'RolledBack',
  RunReverse: 'RolledBack',
  ReadReverse: 'RolledBack',
  VerifyReversedTable: 'RolledBack',
  AssertNoneRan: 'RolledBack',
};

interface End {
  rows: string;
  template: string;
  parameters: string;
  desiredCount: number | undefined;
}

/** Everything that a completed cutover leaves behind and that does not bear the name or the time of one run. */
async function endOf({ world, target, options: { settings } }: Stage): Promise<End> {
  const stack = { StackName: settings.stackName };
  const { TemplateBody } = (await world.cloudFormation.call('GetTemplate', stack)) as { TemplateBody: string };
  const { Stacks } = (await world.cloudFormation.call('DescribeStacks', stack)) as { Stacks: [{ Parameters: object }] };
  // The list of admins, kind 13534, is written anew at each start of a relay.
  const { rows } = await target.query(`
    SELECT (SELECT json_agg(e ORDER BY id) FROM (SELECT * FROM sphere_relay__events WHERE kind <> 13534) e) AS events,
           (SELECT json_agg(t ORDER BY event_id, key, value) FROM sphere_relay__event_tags t
            WHERE event_id NOT IN (SELECT id FROM sphere_relay__events WHERE kind = 13534)) AS tags,
           (SELECT json_agg(k ORDER BY key) FROM kv k) AS kv`);
  const service = world.cloudFormation.stackResources(settings.stackName)[settings.names.service]?.split('/').at(-1);
  return {
    rows: createHash('sha256').update(JSON.stringify(rows)).digest('hex'),
    template: TemplateBody,
    parameters: JSON.stringify(Stacks[0].Parameters),
    desiredCount: world.ecs.service(service ?? '')?.desiredCount,
  };
}

describe('each task of the cutover', () => {
  let undisturbed: End;
  const directory = mkdtempSync(join(tmpdir(), 'each-state-'));
  const sourceDirectory = join(directory, 'data');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  // Without a writer every run has the same rows.
  const quiet = () => ({ sourceDirectory, publishPerSecond: 0 });

  beforeAll(async () => {
    makeSmallRelay(sourceDirectory);
    await rehearsed({
      options: quiet(),
      whileItStands: async (_, stage) => {
        undisturbed = await endOf(stage);
      },
    });
    expect(undisturbed.desiredCount).toBe(1);
  });

  it('is among those that are failed here', () => {
    expect(forward.length).toBeGreaterThan(25);
    expect(forward).toEqual(expect.arrayContaining(['TakeLock', 'RunMigrator', 'VerifyTable', 'TakeAuthority']));
  });

  it.concurrent.each(forward)(
    'may fail for good under hold: %s, redriven, ends as if nothing had been',
    async (state) => {
      let end: End | undefined;
      const { record } = await rehearsed({
        faults: [failing(state)],
        options: { ...quiet(), onFailure: 'hold', afterwards: 'redrive' },
        whileItStands: async (_, stage) => {
          end = await endOf(stage);
        },
      });
      expect([record.outcome, record.sentence]).toEqual(['CutoverComplete', expect.any(String)]);
      expect(end).toEqual(undisturbed);
    },
  );

  it.concurrent.each(forward.filter((name) => !/^Release/.test(name)))(
    'may fail for good under rollback: %s, the old relay is back, and a new start completes',
    async (state) => {
      let end: End | undefined;
      const fault = failing(state);
      const { record } = await rehearsed({
        faults: [fault],
        options: quiet(),
        whileItStands: async (_, stage) => {
          fault.repair();
          const again = stage.stepFunctions.start('cutover', {});
          await stage.stepFunctions.settled();
          expect(await again.done).toMatchObject({ status: 'SUCCEEDED' });
          end = await endOf(stage);
        },
      });
      const unchanged = ['TakeLock', 'Preflight', 'RecordPlan', 'ReadAuthority'].includes(state);
      expect([record.outcome, record.sentence]).toEqual([
        unchanged ? 'PreflightFailed' : 'RolledBack',
        expect.stringContaining('refused on purpose'),
      ]);
      expect(record.serving.store).toBe('sqlite');
      expect(end).toEqual(undisturbed);
    },
  );

  const onTheWayBack = wayBack.filter((name) => isTask.has(name) && !/^(Hold|Release|AwaitAuthority)/.test(name));
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

  // What a real failure leaves behind: the call was made, and nobody heard of it.
  const answered = ['RecordPlan', 'ScaleDown', 'ExecuteSwitch', 'TakeAuthority', 'ScaleUp', 'ExecuteSettle'];
  it.concurrent.each(answered)(
    'may lose every answer: %s, and the old relay is back with all that was accepted',
    async (state) => {
      const { record } = await rehearsed({ faults: [failing(state, 'after')], options: { sourceDirectory } });
      expect([record.outcome, record.sentence]).toEqual([
        state === 'RecordPlan' ? 'PreflightFailed' : 'RolledBack',
        expect.stringContaining('refused on purpose'),
      ]);
      expect(record.serving.store).toBe('sqlite');
      expect(record.published.served).toBe(record.published.acknowledged);
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
