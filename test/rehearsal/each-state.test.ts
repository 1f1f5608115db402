import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stage } from '../../rehearsal/stage.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { prepareMachine } from '../../statemachine/prepare/prepare.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates, statesBetween } from '../statemachine/graph.ts';
import { part } from '../support/extent.ts';
import { failing, failingInTurn } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay, smallSource } from '../support/small-relay.ts';

const machine = cutoverMachine(parseSettings());
const isTask = new Set(
  allStates(machine.States)
    .filter(({ state }) => state.Type === 'Task')
    .map(({ name }) => name),
);
const wayBack = statesBetween(machine, 'AskAuthority', '');
/**
 * Everything before the way back, those inside the Map too; the halts themselves are on the way of every one of them, and
 * nobody is asked for an approval here.
 */
const forward = [...isTask].filter(
  (name) => !wayBack.includes(name) && !/^(Hold|Re(claim|assess|stStackAfter)|VerifyReversed|AskApproval)/.test(name),
);

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

  it('may fail for good under hold: redriven, each in its turn, it ends as if nothing had been', async () => {
    const halted: string[] = [];
    const halting = part(
      forward.filter((name) => !/^Release/.test(name)),
      2,
    );
    const { record } = await rehearsed({
      faults: failingInTurn(halting, 'cutover', halted),
      options: { ...quiet(), onFailure: 'hold', afterwards: 'redrive' },
      whileItStands: async (_, stage) => {
        expect(await endOf(stage)).toEqual(undisturbed);
      },
    });
    expect([record.outcome, record.sentence]).toEqual(['CutoverComplete', expect.any(String)]);
    expect(halted.toSorted()).toEqual(halting.toSorted());
  });

  it.concurrent.each(
    part(
      forward.filter((name) => !/^Release/.test(name)),
      16,
    ),
  )('may fail for good under rollback: %s, the old relay is back, and a new start completes', async (state) => {
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
  });

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
});

describe('each task of prepare', () => {
  const tasks = allStates(prepareMachine(parseSettings()).States)
    .filter(({ name, state }) => state.Type === 'Task' && !/^(Hold|Release)/.test(name))
    .map(({ name }) => name);

  it('may fail for good under hold: redriven, each in its turn, it ends as if nothing had been', async () => {
    const halted: string[] = [];
    const { record } = await rehearsed({
      faults: failingInTurn(tasks, 'prepare', halted),
      options: { sourceDirectory: smallSource(), onFailure: 'hold', afterwards: 'redrive' },
    });
    expect(halted.toSorted()).toEqual(tasks.toSorted());
    expect(record.preparations).toMatchObject([{ status: 'SUCCEEDED', output: { outcome: 'PrepareComplete' } }]);
    // The cutover after it rests on all that prepare has made.
    expect([record.outcome, record.sentence]).toEqual(['CutoverComplete', expect.any(String)]);
    expect(record.published.served).toBe(record.published.acknowledged);
  });
});
