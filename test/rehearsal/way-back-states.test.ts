import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failService } from '../../rehearsal/fault-means.ts';
import type { Execution } from '../../rehearsal/interpreter/execution.ts';
import { redriveWhereAsked } from '../../rehearsal/redrive.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import { servedEvents } from '../../rehearsal/writer.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates, statesBetween } from '../statemachine/graph.ts';
import { part } from '../support/extent.ts';
import { type FailingState, failing, failingInTurn } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';
import { type Standing, standing, underWriter } from '../support/standing.ts';

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
  describe('in a cutover whose new relay does not answer', () => {
    // The target holds the truth by then, so that every state of the way back is gone through.
    const unhealthy = failing('HealthCheckNewRelay');
    const faults = new Map(onTheWayBack.map((state) => [state, failing(state)]));
    const all = [unhealthy, ...faults.values()];
    let relay: Standing;
    beforeAll(async () => {
      for (const fault of all) if (fault !== unhealthy) fault.repair();
      relay = await standing({ faults: all, options: { sourceDirectory } });
      expect(relay.record.outcome).toBe('RolledBack');
    });
    afterAll(() => relay.leave());

    /** A cutover with that state broken, and whatever it sets off. */
    async function cutover(broken: FailingState): Promise<Execution> {
      broken.arm();
      const execution = relay.stage.stepFunctions.start('cutover', {});
      await relay.stage.stepFunctions.settled();
      broken.repair();
      return execution;
    }

    it.each(part(onTheWayBack, 16))(
      'may fail for good on the way back: %s, and restore brings the old relay back',
      async (state) => {
        const { stage } = relay;
        await underWriter(stage, async () => {
          const execution = await cutover(faults.get(state) as FailingState);
          if ((await execution.done).error === 'HeldForOperator') {
            stage.stepFunctions.redrive(execution);
            await stage.stepFunctions.settled();
          }
          const restore = stage.stepFunctions.ofMachine('restore').at(-1)?.execution;
          const { error = '', cause = '' } = await execution.done;
          const { output } = (await restore?.done) ?? {};
          const said = error === 'RolledBack' ? cause : (output as JsonObject).sentence;
          expect([error === 'RolledBack' ? error : (output as JsonObject).outcome, said]).toEqual([
            OTHERWISE[state] ?? 'Restored',
            expect.stringMatching(/^The old relay serves from SQLite again and nothing was lost/),
          ]);
        });
        await expectServed(stage);
      },
    );
  });

  it('may fail for good in restore, whose redrive begins anew: each in its turn, until the old relay is back', async () => {
    const halted: string[] = [];
    // Where it goes on without an answer, nothing halts.
    const states = part(
      onTheWayBack.filter((name) => name !== 'AskAuthority'),
      2,
    );
    await rehearsed({
      faults: [
        ...['HealthCheckNewRelay', 'AwaitRelaysStopped'].map((name) => failing(name)),
        ...failingInTurn(states, 'restore', halted),
      ],
      options: { sourceDirectory },
      whileItStands: async ({ outcome }, stage) => {
        expect(outcome).toBe('Held');
        const restore = stage.stepFunctions.ofMachine('restore').at(-1)?.execution as Execution;
        const asked = { ...stage, options: { ...stage.options, afterwards: 'redrive' as const } };
        expect(await redriveWhereAsked(asked, 'restore', restore)).toMatchObject({
          status: 'SUCCEEDED',
          output: { outcome: 'Restored' },
        });
        expect(halted.toSorted()).toEqual(states.toSorted());
        await expectServed(stage);
      },
    });
  });

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
async function expectRestored(stage: Stage): Promise<void> {
  const { stepFunctions } = stage;
  const restore = stepFunctions.ofMachine('restore').at(-1);
  if (!restore) throw new Error('restore was not started');
  expect(await restore.execution.done).toMatchObject({ error: 'HeldForOperator' });
  stepFunctions.redrive(restore.execution);
  await stepFunctions.settled();
  expect(await restore.execution.done).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Restored' } });
  await expectServed(stage);
}

async function expectServed({ world, acknowledged, target }: Stage): Promise<void> {
  expect((await servedEvents(world.endpoint, acknowledged)).size).toBe(acknowledged.length);
  expect((await target.query('SELECT holder FROM cutover.authority')).rows).toEqual([{ holder: 'source' }]);
  expect(world.writersLog.overlaps).toEqual([]);
}
