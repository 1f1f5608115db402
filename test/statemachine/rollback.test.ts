import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import { withFunctions } from '../../statemachine/definition.ts';
import { rollbackMachine } from '../../statemachine/rollback/rollback.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { WAY_BACK } from '../../statemachine/way-back/way-back.ts';
import {
  andWriteStop,
  type Cloud,
  called,
  cloudOf,
  failing,
  halting,
  NEW,
  OLD,
  redriven,
  SAMPLE,
  start,
} from './cloud.ts';
import { allStates, brokenWays, statesBetween, unassignedReads } from './graph.ts';

const machine = rollbackMachine(parseSettings());
const isTask = (name: string): boolean => machine.States[name]?.Type === 'Task';
const look = statesBetween(machine, 'PreflightRollback', WAY_BACK).filter(isTask);
/** The target holds the truth, and the service has the new relay. */
const cloudWith = (fields: Partial<Cloud> = {}): Cloud => cloudOf({ holder: 'target', serviceHas: NEW, ...fields });

describe('the machine rollback', () => {
  it('is valid, has a way to every state, and reads no variable that has no value', () => {
    const deployed = withFunctions(machine, (name) => `arn:aws:lambda:me-central-1:123456789012:function:${name}:7`);
    expect(validate(structuredClone(deployed)).errorsText()).toBe('');
    expect(brokenWays(machine.StartAt, machine.States)).toEqual({ unreachable: [], missing: [] });
    expect(unassignedReads(machine.StartAt, machine.States)).toEqual([]);
    for (const { name, state } of allStates(machine.States))
      if (state.Type === 'Task') expect(state.TimeoutSeconds, name).toBeDefined();
  });

  it('tries the reverse before the write stop, brings everything back, and tells how long it took', async () => {
    const cloud = cloudWith();
    expect(await start(machine, cloud).done).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        outcome: 'RolledBack',
        tables: [{ verdict: 'verified' }, { verdict: 'verified' }],
        taskDefinition: OLD,
        writeStop: { steps: [{ step: 'reverse' }, { step: 'verification of the reverse' }, {}, {}] },
      },
    });
    const order = [
      'RunCheckReverse',
      'RecordPlan',
      'StopRelays',
      'AwaitHoldWayBack',
      'AwaitRelaysStopped',
      'RunReverse',
    ];
    const after = ['VerifyReversedTable', 'AssertNoneRan', 'ReturnAuthority', 'AwaitRestore', 'ScaleUpOldRelay'];
    const places = [...order, ...after].map((name) => cloud.calls.findLastIndex(({ state }) => state === name));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(called(cloud, 'RunCheckReverse')).toMatchObject([{ TaskDefinition: 'migrate:1' }]);
    expect(called(cloud, 'RunReverse')).toMatchObject([{ TaskDefinition: 'rollback:1' }]);
    // Whatever the cutover kept is found by the name of its execution.
    expect(called(cloud, 'FindOriginal')).toMatchObject([{ action: 'find-original', execution: 'run' }]);
    expect(called(cloud, 'ProposeRestore')).toMatchObject([{ execution: 'of-the-cutover' }]);
    expect(called(cloud, 'HealthCheckOldRelay')).toMatchObject([
      { samples: [SAMPLE], maySamplesBeDeleted: false, taskDefinition: OLD },
    ]);
  });

  it('changes nothing where PostgreSQL does not hold the truth', async () => {
    const cloud = cloudWith({ holder: 'source' });
    expect(await start(machine, cloud).done).toMatchObject({
      error: 'PreflightFailed',
      cause: expect.stringMatching(
        /^Nothing was changed; the relay serves as before\. IsCutOver failed with NotCutOver: authority is with the source \(run run\)/,
      ),
    });
    expect(called(cloud, 'RunCheckReverse')).toEqual([]);
  });

  it.each(look.filter((name) => !/^(RunCheckReverse|Release|Hold)/.test(name)))(
    'changes nothing when %s fails before the write stop',
    async (state) => {
      const cloud = cloudWith(failing(state));
      expect(await start(machine, cloud).done).toMatchObject({ error: 'PreflightFailed' });
      expect(called(cloud, 'StopRelays')).toEqual([]);
      expect(called(cloud, 'ReleaseUnchanged')).toHaveLength(1);
    },
  );

  it('tries an interrupted check of the reverse once more', async () => {
    const cloud = cloudWith({
      before: (state, times) => {
        if (state !== 'ReadCheckReverse' || times > 1) return undefined;
        throw new TaskFailure('MigrationInterrupted', JSON.stringify({ errorMessage: 'it ended as "running"' }));
      },
    });
    expect((await start(machine, cloud).done).status).toBe('SUCCEEDED');
    expect(called(cloud, 'RunCheckReverse')).toHaveLength(2);
  });

  const untilReturn = ['StopRelays', 'ProposeHoldWayBack', 'AwaitHoldWayBack', 'AwaitRelaysStopped', 'ReadReverse'];
  it.each([...untilReturn, 'VerifyReversedTable', 'AssertNoneRan'])(
    'starts the new relay again when %s fails: PostgreSQL still is the truth',
    async (state) => {
      const cloud = cloudWith(failing(state));
      const end = await start(machine, cloud).done;
      expect(end).toMatchObject({
        error: 'NotRolledBack',
        cause: expect.stringMatching(
          /^The rollback was given up\. The relay serves from PostgreSQL as before and nothing was lost\. \w+ failed with /,
        ),
      });
      expect(called(cloud, 'ScaleUpKeptRelay')).toMatchObject([{ desiredCount: 1, taskDefinition: NEW }]);
      expect(called(cloud, 'ProposeSettleKept')).toMatchObject([{ purpose: 'settle', desiredCount: 1 }]);
      expect(called(cloud, 'ReturnAuthority')).toEqual([]);
      expect(called(cloud, 'ReleaseGivenUp')).toHaveLength(1);
    },
  );

  it('tells how long the write stop was that led to nothing', async () => {
    expect(await start(machine, cloudWith(failing('ReadReverse'))).done).toMatchObject({
      cause: andWriteStop(
        'The rollback was given up. The relay serves from PostgreSQL as before and nothing was lost. ReadReverse failed with Boom: ReadReverse went wrong',
      ),
    });
  });

  it('does not start a relay that did not serve before, and says which', async () => {
    const cloud = cloudWith({ ...halting(() => ['ReadReverse']), serviceHas: OLD });
    expect(await start(machine, cloud).done).toMatchObject({ error: 'HeldForOperator' });
    expect(called(cloud, 'ScaleUpKeptRelay')).toEqual([]);
    expect(called(cloud, 'HoldGivenUp')).toMatchObject([{ failure: { error: 'NotKept', state: 'IsKept' } }]);
  });

  it.each(['ProposeRestore', 'AwaitRestore', 'ScaleUpOldRelay', 'HealthCheckOldRelay', 'AwaitSettleRestored'])(
    'halts when %s fails, since SQLite is the truth by then, and a redrive begins the way back anew',
    async (state) => {
      const broken = [state];
      const cloud = cloudWith(halting(() => broken));
      const execution = start(machine, cloud);
      expect(await execution.done).toMatchObject({ error: 'HeldForOperator' });
      expect(called(cloud, 'ScaleUpKeptRelay')).toEqual([]);
      broken.length = 0;
      expect(await redriven(execution)).toMatchObject({ status: 'SUCCEEDED' });
      expect(called(cloud, 'RunReverse')).toHaveLength(1);
    },
  );

  it('halts where nobody knows who holds the truth', async () => {
    const cloud = cloudWith(halting(() => ['ReadReverse', 'AskWhoServes']));
    expect(await start(machine, cloud).done).toMatchObject({ error: 'HeldForOperator' });
    expect(called(cloud, 'Hold')).toMatchObject([{ failure: { state: 'ReadReverse' } }]);
    expect(called(cloud, 'ScaleUpKeptRelay')).toEqual([]);
  });
});
