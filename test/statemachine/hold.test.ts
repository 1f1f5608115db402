import { describe, expect, it } from 'vitest';
import { type Execution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json } from '../../statemachine/asl.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import {
  type Cloud,
  called,
  cloudOf,
  failing,
  halting,
  LOADED_AT,
  OLD,
  redriven,
  start as startMachine,
} from './cloud.ts';
import { allStates, catchersOf, statesBetween } from './graph.ts';

const machine = cutoverMachine(parseSettings());
const start = (cloud: Cloud, input: Json = {}): Execution => startMachine(machine, cloud, input);

const wayBack = statesBetween(machine, 'AskAuthority', '');
const forwardTasks = allStates(machine.States)
  .filter(({ name, state }) => catchersOf(state).length > 0 && state.Type === 'Task' && !wayBack.includes(name))
  .map(({ name }) => name)
  .filter((name) => statesBetween(machine, 'ScaleDown', 'OnFailure').includes(name))
  .filter((name) => !['RunMigrator', 'ReleaseComplete', 'ReclaimForWayBack'].includes(name));

const settle = ['ProposeSettle', 'InspectSettle', 'ExecuteSettle', 'AwaitSettle'];

describe('an execution that holds on failure', () => {
  /** An execution that stands still, since these tasks failed; `broken` names those that fail from now on. */
  async function heldBy(...failed: string[]) {
    const world = { broken: failed };
    const cloud = cloudOf(halting(() => world.broken));
    const execution = start(cloud, { onFailure: 'hold' });
    expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'HeldForOperator' });
    expect(called(cloud, 'ReclaimForWayBack')).toEqual([]);
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
    world.broken = [];
    return { cloud, execution, world };
  }

  it.each(forwardTasks)('stands still when %s fails, and completes after a redrive', async (state) => {
    const { cloud, execution } = await heldBy(state);
    expect((await redriven(execution)).status).toBe('SUCCEEDED');
    // Authority decides where to go on: from the stop, or from the start of the new relay.
    const after = cloud.calls.slice(cloud.calls.findIndex((call) => call.state === 'ReclaimAfterHold'));
    const beganAgain = after.some((call) => call.state === 'ScaleDown');
    expect(beganAgain).toBe(!['ScaleUp', 'HealthCheckNewRelay', ...settle].includes(state));
    expect(called(cloud, 'ReclaimAfterHold')).toHaveLength(1);
  });

  it.each(['TakeLock', 'Preflight', 'RecordPlan', 'ReadAuthority'])(
    'stands still with nothing changed when %s fails, and begins anew after a redrive',
    async (state) => {
      const { cloud, execution } = await heldBy(state);
      expect(called(cloud, 'ScaleDown')).toEqual([]);
      expect((await redriven(execution)).status).toBe('SUCCEEDED');
      expect(called(cloud, 'TakeLock').length).toBeGreaterThan(1);
    },
  );

  it('stands still again when what it looks at after a redrive fails too', async () => {
    const { execution, world } = await heldBy('AssertQuiet');
    world.broken = ['Reassess'];
    expect(await redriven(execution)).toMatchObject({ error: 'HeldForOperator' });
    world.broken = [];
    expect((await redriven(execution)).status).toBe('SUCCEEDED');
  });

  it('does not serve what another execution has made the truth', async () => {
    const { cloud, execution } = await heldBy('AssertQuiet');
    const asBefore = cloud.before;
    cloud.before = (state, times, payload) =>
      asBefore(state, times, payload) ??
      (state === 'Reassess' ? { holder: 'target', runId: 'of another', loadedAt: LOADED_AT } : undefined);
    expect(await redriven(execution)).toMatchObject({ error: 'HeldForOperator' });
    expect(called(cloud, 'Hold').at(-1)).toMatchObject({
      failure: {
        cause: 'authority is with the target by the run of another, which is none that this execution has verified',
      },
    });
    expect(called(cloud, 'ScaleUp')).toEqual([]);
  });

  it('declares the copies from before the halt for stale, and asks for no run but that of its own', async () => {
    const { cloud, execution } = await heldBy('ProposeSwitch');
    expect((await redriven(execution)).status).toBe('SUCCEEDED');
    expect(called(cloud, 'Reassess')).toEqual([{ action: 'withdraw', runId: 'test/1/withdrawn' }]);
    expect(called(cloud, 'ReadManifest')).toMatchObject([
      { runIdPrefix: 'test/0/reconcile-1.' },
      { runIdPrefix: 'test/1/reconcile-1.' },
    ]);
  });

  it('brings both stores together on the way back when somebody has deployed the old relay meanwhile', async () => {
    const { cloud, execution } = await heldBy('HealthCheckNewRelay');
    cloud.serviceHas = OLD;
    expect(await redriven(execution)).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringContaining(
        'IsSwitched failed with OldRelayServed: authority is with the target, but somebody',
      ),
    });
    expect(called(cloud, 'ScaleUp')).toHaveLength(1);
    expect(called(cloud, 'RunReverse')).toHaveLength(1);
  });

  it('takes a stack update of its own back before it begins anew', async () => {
    const { cloud, execution } = await heldBy('AwaitSwitch');
    expect((await redriven(execution)).status).toBe('SUCCEEDED');
    expect(called(cloud, 'RestStackAfterHold')).toMatchObject([{ action: 'rest' }]);
  });

  it('changes nothing more when another execution has taken over', async () => {
    const { cloud, execution } = await heldBy('AssertQuiet');
    const asBefore = cloud.before;
    cloud.before = (state, times, payload) => {
      if (state !== 'ReclaimAfterHold') return asBefore(state, times, payload);
      throw new TaskFailure('LockHeld', JSON.stringify({ errorMessage: 'another has taken over' }));
    };
    expect(await redriven(execution)).toMatchObject({ error: 'Superseded', cause: 'another has taken over' });
    expect(called(cloud, 'ScaleDown')).toHaveLength(1);
  });
});

describe('the lock', () => {
  it('turns away an execution while another holds it, and changes nothing', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state !== 'TakeLock') return undefined;
        throw new TaskFailure('LockHeld', JSON.stringify({ errorMessage: 'another runs' }));
      },
    });
    expect(await start(cloud).done).toMatchObject({
      error: 'AnotherExecution',
      cause: 'Nothing was changed by this execution: another runs',
    });
    expect(cloud.calls.map(({ state }) => state)).toEqual(['TakeLock']);
  });

  it('is given back at every end', async () => {
    const done = cloudOf();
    await start(done).done;
    expect(done.calls.at(-1)?.state).toBe('ReleaseComplete');
    const back = cloudOf(failing('AssertQuiet'));
    await start(back).done;
    expect(back.calls.at(-1)?.state).toBe('ReleaseRolledBack');
    const unchanged = cloudOf(failing('Preflight'));
    await start(unchanged).done;
    expect(unchanged.calls.at(-1)?.state).toBe('ReleaseUnchanged');
  });

  it('may fail to be given back without changing how the execution ends', async () => {
    expect((await start(cloudOf(failing('ReleaseComplete'))).done).status).toBe('SUCCEEDED');
    expect(await start(cloudOf(failing('AssertQuiet', 'ReleaseRolledBack'))).done).toMatchObject({
      error: 'RolledBack',
    });
    expect(await start(cloudOf(failing('Preflight', 'ReleaseUnchanged'))).done).toMatchObject({
      error: 'PreflightFailed',
    });
  });

  it('does not keep the old relay down when it cannot be read on the way back', async () => {
    const cloud = cloudOf(failing('AssertQuiet', 'ReclaimForWayBack'));
    expect(await start(cloud).done).toMatchObject({ error: 'RolledBack' });
  });

  it('ends the way back before it begins when another execution has taken over', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state === 'ReclaimForWayBack')
          throw new TaskFailure('LockHeld', JSON.stringify({ errorMessage: 'another has taken over' }));
        return failing('AssertQuiet').before(state);
      },
    });
    expect(await start(cloud).done).toMatchObject({ error: 'Superseded', cause: 'another has taken over' });
    expect(called(cloud, 'StopRelays')).toEqual([]);
  });
});

describe('a reverse after which a relay has run', () => {
  it('is made again from the stop on', async () => {
    const cloud = cloudOf({
      before: (state, times) => {
        if (state === 'AssertNoneRan' && times === 1)
          throw new TaskFailure('NotQuiet', '{"errorMessage":"a relay ran"}');
        return failing('HealthCheckNewRelay').before(state);
      },
    });
    expect(await start(cloud).done).toMatchObject({ error: 'RolledBack' });
    for (const state of ['StopRelays', 'AwaitRelaysStopped', 'RunReverse', 'AssertNoneRan'])
      expect(called(cloud, state), state).toHaveLength(2);
    expect(called(cloud, 'ReadReverse')).toMatchObject([
      { runIdPrefix: 'test/0/reverse-1.' },
      { runIdPrefix: 'test/0/reverse-2.' },
    ]);
  });
});

describe('a reverse that does not succeed', () => {
  it('is tried three times and then waits for a person, whose redrive begins the way back anew', async () => {
    let broken = true;
    const cloud = cloudOf({
      ...halting(() => ['HealthCheckNewRelay', ...(broken ? ['ReadReverse'] : [])]),
    });
    const execution = start(cloud);
    expect(await execution.done).toMatchObject({ error: 'HeldForOperator' });
    expect(called(cloud, 'RunReverse')).toHaveLength(3);
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
    broken = false;
    expect(await redriven(execution)).toMatchObject({ error: 'RolledBack' });
    expect(called(cloud, 'AskAuthority')).toHaveLength(2);
  });

  it('does not let the old relay start on a file that differs', async () => {
    const cloud = cloudOf({
      before: (state, times) =>
        state === 'VerifyReversedTable' && times === 1
          ? { table: 'kv', verdict: 'mismatch', findings: ['differs'] }
          : failing('HealthCheckNewRelay').before(state),
    });
    await start(cloud).done;
    expect(called(cloud, 'HoldOnTarget')).toMatchObject([
      { failure: { state: 'VerifyReverse', error: 'VerificationFailed', cause: 'kv: differs' } },
    ]);
  });
});
