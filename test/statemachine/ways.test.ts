import { describe, expect, it } from 'vitest';
import { type Execution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject, State } from '../../statemachine/asl.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import {
  andWriteStop,
  type Cloud,
  called,
  cloudOf,
  failing,
  LOADED_AT,
  NEW,
  OLD,
  SAMPLE,
  start as startMachine,
} from './cloud.ts';
import { allStates, catchersOf, statesBetween } from './graph.ts';

const machine = cutoverMachine(parseSettings());
/** With 120 s from the second look at the stopped relay to the way back. */
const hurried = cutoverMachine(parseSettings({ writeStopSecondsMax: 375 }));
const start = (cloud: Cloud, input: Json = {}, definition = machine): Execution =>
  startMachine(definition, cloud, input);

const OWNER = 'arn:aws:states:me-central-1:123456789012:execution:cutover:test';

const wayBack = statesBetween(machine, 'AskAuthority', '');
const forwardTasks = allStates(machine.States)
  .filter(({ name, state }) => catchersOf(state).length > 0 && state.Type === 'Task' && !wayBack.includes(name))
  .map(({ name }) => name)
  .filter((name) => statesBetween(machine, 'ScaleDown', 'OnFailure').includes(name))
  .filter((name) => !['RunMigrator', 'ReleaseComplete', 'ReclaimForWayBack'].includes(name));

describe('the way through the cutover', () => {
  it('ends complete, with what a person has to know', async () => {
    const cloud = cloudOf();
    const result = await start(cloud).done;
    expect(result).toEqual({
      status: 'SUCCEEDED',
      output: {
        outcome: 'CutoverComplete',
        tables: [
          { table: 'kv', verdict: 'verified', findings: [] },
          { table: 's__events', verdict: 'verified', findings: [] },
        ],
        quarantinedRows: 0,
        health: { domain: 'relay.test', checked: 1 },
        writeStop: {
          from: '2026-01-01T00:00:00.000Z',
          until: expect.stringMatching(/^\d{4}-.*Z$/),
          seconds: expect.any(Number),
          steps: ['second look', 'copy', 'verification', 'stack update', 'start of the relay'].map((step) => ({
            step,
            seconds: expect.any(Number),
          })),
        },
        taskDefinition: NEW,
        commit:
          'Commit the template of the stack as it is now deployed (relay-cutover template pull): an old file deployed from git would go back to SQLite. The original stands at key.',
      },
    });
    expect(called(cloud, 'TakeAuthority')).toEqual([{ action: 'take', runId: 'run' }]);
    expect(called(cloud, 'AssertQuiet')).toMatchObject([
      { since: '2026-01-01T00:00:10.000Z', stackChange: 'of AwaitHoldAtZero' },
    ]);
    expect(called(cloud, 'AssertStillQuiet')).toMatchObject([{ stackChange: 'of AwaitSwitch' }]);
  });

  it('starts the relay only after authority was taken, and takes it only after the switch and the second look', async () => {
    const cloud = cloudOf();
    await start(cloud).done;
    const order = ['ConfirmStopped', 'RunMigrator', 'VerifyTable', 'AssertQuiet', 'AwaitSwitch', 'DescribeNewRelay'];
    const after = ['AssertStillQuiet', 'TakeAuthority', 'ScaleUp', 'HealthCheckNewRelay', 'AwaitSettle'];
    const places = [...order, ...after].map((name) => cloud.calls.findLastIndex(({ state }) => state === name));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('asks for the very task definition that the service had before its start', async () => {
    const cloud = cloudOf();
    await start(cloud).done;
    expect(called(cloud, 'HealthCheckNewRelay')).toEqual([
      {
        ...{ cluster: 'cluster', service: 'service', taskDefinition: NEW, domain: 'relay.test', samples: [SAMPLE] },
        deadline: expect.stringMatching(/^\d{4}-.*Z$/),
        maySamplesBeDeleted: false,
      },
    ]);
    expect(called(cloud, 'ScaleUp')).toMatchObject([
      { cluster: 'cluster', service: 'service', desiredCount: 1, taskDefinition: NEW, owner: OWNER },
    ]);
  });

  it.each([0, 1, 3])('hands over lists of %i as lists', async (count) => {
    const samples = Array.from({ length: count }, (_, index) => ({ ...SAMPLE, id: String(index) }));
    const [table] = cloudOf().tables as [JsonObject];
    const tables = Array.from({ length: Math.max(count, 1) }, (_, index) => ({ ...table, table: String(index) }));
    const cloud = cloudOf({ samples, tables });
    expect((await start(cloud).done).status).toBe('SUCCEEDED');
    expect(called(cloud, 'ReadManifest')).toEqual([
      { mode: 'reconcile', runIdPrefix: 'test/0/reconcile-1.', samples, taskFailure: null },
    ]);
    expect(called(cloud, 'HealthCheckNewRelay')).toMatchObject([{ samples }]);
    expect(called(cloud, 'VerifyTable')).toEqual(tables);
    expect(called(cloud, 'RunMigrator')).toMatchObject([
      { NetworkConfiguration: { AwsvpcConfiguration: { Subnets: ['subnet-1'], SecurityGroups: ['sg-1'] } } },
    ]);
  });

  it('gives the run of the migrator a name that tells execution, redrive and attempt', async () => {
    const cloud = cloudOf({
      before: (state, times) => {
        if (state === 'RunMigrator' && times < 3) throw new TaskFailure('ECS.ThrottlingException', 'Rate exceeded');
        return undefined;
      },
    });
    await start(cloud).done;
    const ids = called(cloud, 'RunMigrator').map((payload) => JSON.stringify(payload).match(/"test\/[^"]*"/)?.[0]);
    expect(ids).toEqual(['"test/0/reconcile-1.0"', '"test/0/reconcile-1.1"', '"test/0/reconcile-1.2"']);
  });
});

describe('what ends before the write stop', () => {
  it.each(['TakeLock', 'Preflight', 'RecordPlan', 'ReadAuthority'])('changes nothing when %s fails', async (state) => {
    const cloud = cloudOf(failing(state));
    expect(await start(cloud).done).toMatchObject({
      status: 'FAILED',
      error: 'PreflightFailed',
      cause: `Nothing was changed; the relay runs as before. ${state} failed with Boom: ${state} went wrong`,
    });
    expect(called(cloud, 'ScaleDown')).toEqual([]);
  });

  it.each([
    [
      { holder: 'target', runId: 'run 1', loadedAt: LOADED_AT },
      'authority is with the target already: a cutover to PostgreSQL has taken place (run run 1)',
    ],
    [
      { holder: 'source', runId: null, loadedAt: null },
      'the target holds no verified load; run prepare first, while the relay is live',
    ],
    [
      { holder: 'source', runId: 'prepare/load', loadedAt: '2020-01-01T00:00:00.000Z' },
      'the newest verified load is of 2020-01-01T00:00:00.000Z, more than 7 days ago, and what has changed since would make the write stop long; run prepare again, while the relay is live',
    ],
  ])('changes nothing when the target says %o', async (authority, cause) => {
    const cloud = cloudOf({ before: (state) => (state === 'ReadAuthority' ? authority : undefined) });
    expect(await start(cloud).done).toMatchObject({
      status: 'FAILED',
      error: 'PreflightFailed',
      cause: `Nothing was changed; the relay runs as before. IsPrepared failed with NotPrepared: ${cause}`,
    });
    expect(called(cloud, 'ScaleDown')).toEqual([]);
  });
});

describe('a failure after the write stop began', () => {
  const withTarget = [
    'ScaleUp',
    'HealthCheckNewRelay',
    'ProposeSettle',
    'InspectSettle',
    'ExecuteSettle',
    'AwaitSettle',
  ];

  it.each(forwardTasks.filter((name) => !withTarget.includes(name)))(
    'brings the old relay back when %s fails',
    async (state) => {
      const cloud = cloudOf(failing(state));
      expect(await start(cloud).done).toMatchObject({
        status: 'FAILED',
        error: 'RolledBack',
        cause: andWriteStop(
          `The old relay serves from SQLite again and nothing was lost, because ${state} failed with Boom: ${state} went wrong`,
        ),
      });
      expect(called(cloud, 'ScaleUpOldRelay')).toMatchObject([
        { cluster: 'cluster', service: 'service', desiredCount: 1, taskDefinition: OLD, owner: OWNER },
      ]);
      expect(called(cloud, 'RunReverse')).toEqual([]);
      expect(called(cloud, 'HealthCheckOldRelay')).toMatchObject([{ taskDefinition: OLD, samples: [SAMPLE] }]);
      expect(called(cloud, 'ScaleUp')).toEqual([]);
      // ECS would start the old relay beside one that still drains, and both would write.
      const order = cloud.calls.map((call) => call.state);
      expect(order.indexOf('AwaitRelaysStopped')).toBeGreaterThan(order.indexOf('StopRelays'));
      expect(order.indexOf('ScaleUpOldRelay')).toBeGreaterThan(order.indexOf('AwaitRelaysStopped'));
      expect(called(cloud, 'AwaitRelaysStopped')).toMatchObject([{ action: 'count', stop: { owner: OWNER } }]);
      expect(called(cloud, 'ReleaseRolledBack')).toHaveLength(1);
    },
  );

  it.each(withTarget)('brings back what the target has before the old relay starts when %s fails', async (state) => {
    const cloud = cloudOf(failing(state));
    expect(await start(cloud).done).toMatchObject({
      status: 'FAILED',
      error: 'RolledBack',
      cause: andWriteStop(
        `The old relay serves from SQLite again and nothing was lost, because ${state} failed with Boom: ${state} went wrong What PostgreSQL had accepted meanwhile was brought back to SQLite first.`,
      ),
    });
    const order = ['AwaitRelaysStopped', 'RunReverse', 'ReadReverse', 'VerifyReversedTable', 'AssertNoneRan'];
    const after = ['ReturnAuthority', 'ProposeRestore', 'ScaleUpOldRelay', 'HealthCheckOldRelay', 'ReleaseRolledBack'];
    const places = [...order, ...after].map((name) => cloud.calls.findLastIndex((call) => call.state === name));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(called(cloud, 'ReturnAuthority')).toEqual([{ action: 'return', runId: 'reverse' }]);
    expect(called(cloud, 'RunReverse')).toMatchObject([{ TaskDefinition: 'rollback:1' }]);
    expect(called(cloud, 'AssertNoneRan')).toMatchObject([{ since: '2026-01-01T00:01:00.000Z' }]);
  });

  it('does not look for an original that was never kept', async () => {
    for (const state of ['ScaleDown', 'ProposeHoldAtZero']) {
      const cloud = cloudOf(failing(state));
      await start(cloud).done;
      expect(called(cloud, 'ProposeRestore'), state).toEqual([]);
    }
    const cloud = cloudOf(failing('InspectHoldAtZero'));
    await start(cloud).done;
    expect(called(cloud, 'ProposeRestore')).toHaveLength(1);
  });

  it('goes back when the target is silent and was never asked to take authority', async () => {
    const cloud = cloudOf(failing('ReadManifest', 'AskAuthority'));
    expect(await start(cloud).done).toMatchObject({ error: 'RolledBack' });
  });

  it('waits for the answer of a target that is silent and may have taken authority', async () => {
    const silent = cloudOf(failing('TakeAuthority', 'AskAuthority', 'AwaitAuthority'));
    expect(await start(silent).done).toMatchObject({ status: 'FAILED', error: 'Boom' });
    expect(called(silent, 'ScaleUpOldRelay')).toEqual([]);
    expect(called(silent, 'StopRelays')).toEqual([]);
    const cloud = cloudOf(failing('TakeAuthority', 'AskAuthority'));
    expect(await start(cloud).done).toMatchObject({ error: 'RolledBack' });
  });

  it('brings the rows back first when another execution has made the target the truth meanwhile', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state !== 'RunMigrator') return undefined;
        cloud.holder = 'target';
        throw new TaskFailure('States.TaskFailed', '{"StoppedReason":"Essential container in task exited"}');
      },
    });
    const manifest = failing('ReadManifest').before;
    const migrator = cloud.before;
    cloud.before = (state, times, payload) => manifest(state) ?? migrator(state, times, payload);
    expect(await start(cloud).done).toMatchObject({ error: 'RolledBack' });
    expect(called(cloud, 'RunReverse')).toHaveLength(1);
    expect(called(cloud, 'ReturnAuthority')).toHaveLength(1);
  });

  it("asks the migrator's own account after its task has failed, and hands over what ECS says", async () => {
    const task = failing('RunMigrator').before;
    const cloud = cloudOf({
      before: (state) => {
        if (state !== 'RunMigrator') return task(state);
        throw new TaskFailure('States.TaskFailed', '{"StoppedReason":"CannotPullContainerError: no such image"}');
      },
    });
    await start(cloud).done;
    expect(called(cloud, 'ReadManifest')).toMatchObject([
      { taskFailure: 'States.TaskFailed: CannotPullContainerError: no such image' },
    ]);
  });

  it('names the tables that differ', async () => {
    const findings = ['the source has 2 rows and the target 1', 'second'];
    const cloud = cloudOf({
      before: (state, times) =>
        state === 'VerifyTable' && times === 1 ? { table: 'kv', verdict: 'mismatch', findings } : undefined,
    });
    expect(await start(cloud).done).toMatchObject({
      error: 'RolledBack',
      cause: andWriteStop(
        'The old relay serves from SQLite again and nothing was lost, because VerifyCounts failed with VerificationFailed: kv: the source has 2 rows and the target 1; second',
      ),
    });
    expect(called(cloud, 'ProposeSwitch')).toEqual([]);
  });

  it('counts a table without a verdict as not verified', async () => {
    const cloud = cloudOf(failing('VerifyTable'));
    expect(await start(cloud).done).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(
        /VerificationFailed: kv: could not be verified: Boom: VerifyTable went wrong \| s__events: could not be verified: Boom: VerifyTable went wrong\. The write stop/,
      ),
    });
    const odd = cloudOf({ before: (state) => (state === 'VerifyTable' ? {} : undefined) });
    expect(await start(odd).done).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(/VerificationFailed: there is not one verdict for each table\. The write stop/),
    });
  });

  it('does not go on with a manifest without tables', async () => {
    const cloud = cloudOf({ tables: [] });
    expect(await start(cloud).done).toMatchObject({ error: 'RolledBack' });
    expect(called(cloud, 'ProposeSwitch')).toEqual([]);
  });

  it('does not go on while the service still has the old task definition', async () => {
    const cloud = cloudOf({
      before: (state) => (state === 'DescribeNewRelay' ? { Services: [{ TaskDefinition: OLD }] } : undefined),
    });
    expect(await start(cloud).done).toMatchObject({
      error: 'RolledBack',
      cause: andWriteStop(
        `The old relay serves from SQLite again and nothing was lost, because IsSwitched failed with NotSwitched: the stack took the change set, but the service still has the task definition of the old relay, ${OLD}`,
      ),
    });
    expect(called(cloud, 'TakeAuthority')).toEqual([]);
  });

  const simple = statesBetween(machine, 'RestStack', 'RolledBack').filter(
    (name) =>
      machine.States[name]?.Type === 'Task' &&
      !catchersOf(machine.States[name] as State).some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')),
  );
  it.each(
    simple.filter((name) => !['AssertNoneRan', 'AwaitAuthority', 'ReturnAuthority', 'HoldOnTarget'].includes(name)),
  )('stays at %s when that fails too, and a redrive goes on from there', async (state) => {
    let broken = true;
    const cloud = cloudOf({
      // Once the target is the truth the desired count is held too.
      before: (name) =>
        failing(/HoldWayBack$/.test(state) ? 'HealthCheckNewRelay' : 'AssertQuiet', ...(broken ? [state] : [])).before(
          name,
        ),
    });
    const execution = start(cloud);
    expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'Boom' });
    broken = false;
    execution.redrive();
    expect(await execution.done).toMatchObject({ error: 'RolledBack' });
    expect(called(cloud, 'ScaleDown')).toHaveLength(1);
  });
});

describe('a run of the migrator that was interrupted', () => {
  const interrupted = (times: number) => ({
    before: (state: string, nth: number) => {
      if (state !== 'ReadManifest' || nth > times) return undefined;
      throw new TaskFailure('MigrationInterrupted', JSON.stringify({ errorMessage: 'the run ended as "running"' }));
    },
  });

  it('is made again once, under another run id', async () => {
    const cloud = cloudOf(interrupted(1));
    expect((await start(cloud).done).status).toBe('SUCCEEDED');
    const ids = called(cloud, 'RunMigrator').map((payload) => JSON.stringify(payload).match(/"test\/[^"]*"/)?.[0]);
    expect(ids).toEqual(['"test/0/reconcile-1.0"', '"test/0/reconcile-2.0"']);
    expect(called(cloud, 'ReadManifest')).toMatchObject([{ taskFailure: null }, { taskFailure: null }]);
  });

  it('leads to the way back the second time', async () => {
    const cloud = cloudOf(interrupted(2));
    expect(await start(cloud).done).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringContaining('ReadManifest failed with MigrationInterrupted: the run ended as "running"'),
    });
    expect(called(cloud, 'RunMigrator')).toHaveLength(2);
  });

  it('is not made again when there is no time left', async () => {
    const cloud = cloudOf({ ...interrupted(1), seconds: { RunMigrator: 100, ReadManifest: 40 } });
    expect(await start(cloud, {}, hurried).done).toMatchObject({ error: 'RolledBack' });
    expect(called(cloud, 'RunMigrator')).toHaveLength(1);
  });
});

describe('the deadline of the write stop', () => {
  it('ends the migrator when its time is over, and says so', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state !== 'RunMigrator') return undefined;
        throw new TaskFailure('States.Timeout', '');
      },
    });
    expect(await start(cloud).done).toMatchObject({
      error: 'RolledBack',
      cause: andWriteStop(
        'The old relay serves from SQLite again and nothing was lost, because RunMigrator failed with DeadlineExceeded: the migrator was still at work when its time was over; the write stop may last 900 s, of which 240 s are kept for the way back',
      ),
    });
    expect(called(cloud, 'ReadManifest')).toEqual([]);
  });

  it('does not begin the switch when no time is left, and says which step used it', async () => {
    const cloud = cloudOf({ seconds: { RunMigrator: 70, AssertQuiet: 55 } });
    expect(await start(cloud, {}, hurried).done).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(
        /Verdict failed with DeadlineExceeded: all rows are equal, but there is no time left for the switch: the copy took 7\d s and the verification 5\d s; the write stop may last 375 s, of which 240 s are kept/,
      ),
    });
    expect(called(cloud, 'ProposeSwitch')).toEqual([]);
  });

  it('is handed to every step of the switch that waits, and to none of the way back', async () => {
    const cloud = cloudOf(failing('HealthCheckNewRelay'));
    await start(cloud).done;
    for (const state of ['ProposeSwitch', 'AwaitSwitch', 'HealthCheckNewRelay'])
      expect(called(cloud, state)[0], state).toMatchObject({ deadline: expect.stringMatching(/Z$/) });
    for (const state of ['ProposeHoldAtZero', 'ProposeRestore', 'HealthCheckOldRelay'])
      expect(called(cloud, state), state).toMatchObject([{ deadline: null }]);
  });
});
