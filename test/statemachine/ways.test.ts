import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import { type Execution, startExecution, type TaskCall, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { allStates, catchersOf, statesBetween } from './graph.ts';

const machine = cutoverMachine(parseSettings());
const OLD = 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay:1';
const NEW = 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay:2';
const SAMPLE = { id: 'a'.repeat(64), sig: 'b'.repeat(128) };

interface Cloud {
  /** Name and arguments of every call, in order. */
  calls: { state: string; payload: Json }[];
  holder: string;
  serviceHas: string;
  samples: Json[];
  tables: JsonObject[];
  /** Looked at before each call: throw to fail it, return something to answer in its place. */
  before: (state: string, times: number) => Json | undefined;
}

/** Answers for every task of the machine as the real handlers answer, and keeps authority. */
function cloudOf(fields: Partial<Cloud> = {}): Cloud {
  const table = (name: string, kind: string) => ({ table: name, kind, rows: 1, digest: '0'.repeat(64) });
  return {
    calls: [],
    holder: 'source',
    serviceHas: OLD,
    samples: [SAMPLE],
    tables: [table('kv', 'kv'), table('s__events', 'events')],
    before: () => undefined,
    ...fields,
  };
}

function answer(cloud: Cloud, state: string, payload: JsonObject): Json {
  const { samples, tables } = cloud;
  if (state === 'TakeAuthority') cloud.holder = 'target';
  if (state === 'ExecuteSwitch') cloud.serviceHas = NEW;
  if (state === 'ExecuteRestore') cloud.serviceHas = OLD;
  const known: Record<string, Json> = {
    Preflight: {
      cluster: 'cluster',
      service: 'service',
      family: 'relay',
      domain: 'relay.test',
      oldTaskDefinition: OLD,
      migration: { taskDefinition: 'migrate:1', subnets: ['subnet-1'], securityGroups: ['sg-1'] },
      samples,
      lastChangeSet: null,
    },
    ReadManifest: { runId: 'run', tables, samples },
    VerifyTable: { table: payload?.table ?? '', verdict: 'verified', findings: [] },
  };
  const byPrefix: [string, Json][] = [
    ['Propose', { changeSet: 'change-set', edits: [], original: 'key' }],
    ['Inspect', { outcome: 'ready', changes: [] }],
    ['Execute', { outcome: 'ready', executed: true }],
    ['AwaitStopped', { stoppedAt: '2026-01-01T00:00:00.000Z' }],
    ['Await', { lastChangeSet: `of ${state}` }],
    ['ConfirmStopped', { stoppedAt: '2026-01-01T00:00:10.000Z' }],
    ['Assert', { stoppedAt: '2026-01-01T00:00:10.000Z' }],
    ['HealthCheck', { domain: 'relay.test', checked: 1 }],
  ];
  const authority = { holder: cloud.holder, runId: 'run', loaded: true };
  return known[state] ?? byPrefix.find(([prefix]) => state.startsWith(prefix))?.[1] ?? authority;
}

function start(cloud: Cloud): Execution {
  return startExecution({
    machine,
    stateMachineArn: 'arn:aws:states:me-central-1:123456789012:stateMachine:cutover',
    name: 'test',
    input: {},
    clock: createClock({ speed: Number.POSITIVE_INFINITY }),
    integration: async (call: TaskCall) => {
      const { Name } = call.context.State as { Name: string };
      const parameters = call.arguments as JsonObject;
      const payload = parameters.Payload ?? parameters;
      cloud.calls.push({ state: Name, payload });
      const times = cloud.calls.filter(({ state }) => state === Name).length;
      const instead = cloud.before(Name, times);
      if (call.resource.includes('ecs:')) {
        if (instead !== undefined) return instead;
        return Name.startsWith('Describe') ? { Services: [{ TaskDefinition: cloud.serviceHas }] } : {};
      }
      return { Payload: instead ?? answer(cloud, Name, payload as JsonObject) };
    },
  });
}

const failing = (...names: string[]) => ({
  before: (state: string) => {
    if (!names.includes(state)) return undefined;
    throw new TaskFailure('Boom', JSON.stringify({ errorType: 'Boom', errorMessage: `${state} went wrong` }));
  },
});
const called = (cloud: Cloud, state: string) =>
  cloud.calls.filter((call) => call.state === state).map(({ payload }) => payload);

const wayBack = statesBetween(machine, 'AskAuthority', '');
const forwardTasks = allStates(machine.States)
  .filter(({ name, state }) => catchersOf(state).length > 0 && state.Type === 'Task' && !wayBack.includes(name))
  .map(({ name }) => name)
  .filter((name) => !['Preflight', 'ReadAuthority', 'RunMigrator', 'VerifyTable'].includes(name));

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
        health: { domain: 'relay.test', checked: 1 },
        writeStop: { from: '2026-01-01T00:00:10.000Z', until: expect.stringMatching(/^\d{4}-.*Z$/) },
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
      { cluster: 'cluster', service: 'service', taskDefinition: NEW, domain: 'relay.test', samples: [SAMPLE] },
    ]);
  });

  it.each([0, 1, 3])('hands over lists of %i as lists', async (count) => {
    const samples = Array.from({ length: count }, (_, index) => ({ ...SAMPLE, id: String(index) }));
    const [table] = cloudOf().tables as [JsonObject];
    const tables = Array.from({ length: Math.max(count, 1) }, (_, index) => ({ ...table, table: String(index) }));
    const cloud = cloudOf({ samples, tables });
    expect((await start(cloud).done).status).toBe('SUCCEEDED');
    expect(called(cloud, 'ReadManifest')).toEqual([{ runIdPrefix: 'test/', samples, taskFailure: null }]);
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
    expect(ids).toEqual(['"test/0/0"', '"test/0/1"', '"test/0/2"']);
  });
});

describe('what ends before the write stop', () => {
  it.each(['Preflight', 'ReadAuthority'])('changes nothing when %s fails', async (state) => {
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
      { holder: 'target', runId: 'run 1', loaded: true },
      'Authority is with the target already: a cutover to PostgreSQL has taken place (run run 1). Nothing was changed.',
    ],
    [
      { holder: 'source', runId: null, loaded: false },
      'The target holds no verified load. Run prepare first, while the relay is live. Nothing was changed.',
    ],
  ])('changes nothing when the target says %o', async (authority, cause) => {
    const cloud = cloudOf({ before: (state) => (state === 'ReadAuthority' ? authority : undefined) });
    expect(await start(cloud).done).toMatchObject({ status: 'FAILED', error: 'NotPrepared', cause });
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
        cause: `The old relay serves from SQLite again and nothing was lost, because ${state} failed with Boom: ${state} went wrong`,
      });
      expect(called(cloud, 'ScaleUpOldRelay')).toEqual([{ Cluster: 'cluster', Service: 'service', DesiredCount: 1 }]);
      expect(called(cloud, 'HealthCheckOldRelay')).toMatchObject([{ taskDefinition: OLD, samples: [SAMPLE] }]);
      expect(called(cloud, 'ScaleUp')).toEqual([]);
      // ECS would start the old relay beside one that still drains, and both would write.
      const order = cloud.calls.map((call) => call.state);
      expect(order.indexOf('AwaitRelaysStopped')).toBeGreaterThan(order.indexOf('StopRelays'));
      expect(order.indexOf('ScaleUpOldRelay')).toBeGreaterThan(order.indexOf('AwaitRelaysStopped'));
      expect(called(cloud, 'AwaitRelaysStopped')).toMatchObject([{ action: 'count' }]);
    },
  );

  it.each(withTarget)('leaves the old relay stopped when %s fails, since the target holds the truth', async (state) => {
    const cloud = cloudOf(failing(state));
    expect(await start(cloud).done).toMatchObject({
      status: 'FAILED',
      error: 'StoppedOnTarget',
      cause: `Authority is not with the source (target), so the old relay was not started: PostgreSQL may hold events that it never saw. ${state} failed with Boom: ${state} went wrong`,
    });
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
    expect(called(cloud, 'ProposeRestore')).toEqual([]);
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

  it('does not go back when the target is silent and may have taken authority', async () => {
    const cloud = cloudOf(failing('TakeAuthority', 'AskAuthority'));
    expect(await start(cloud).done).toMatchObject({
      error: 'StoppedOnTarget',
      cause: expect.stringContaining('Authority is not with the source (unknown)'),
    });
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
  });

  it('does not go back when another execution has made the target the truth meanwhile', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state !== 'RunMigrator') return undefined;
        cloud.holder = 'target';
        throw new TaskFailure('States.TaskFailed', '{"StoppedReason":"Essential container in task exited"}');
      },
    });
    const manifest = failing('ReadManifest').before;
    const migrator = cloud.before;
    cloud.before = (state, times) => manifest(state) ?? migrator(state, times);
    expect(await start(cloud).done).toMatchObject({ error: 'StoppedOnTarget' });
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
    expect(called(cloud, 'ProposeRestore')).toEqual([]);
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
      cause:
        'The old relay serves from SQLite again and nothing was lost, because VerifyCounts failed with VerificationFailed: kv: the source has 2 rows and the target 1; second',
    });
    expect(called(cloud, 'ProposeSwitch')).toEqual([]);
  });

  it('counts a table without a verdict as not verified', async () => {
    const cloud = cloudOf(failing('VerifyTable'));
    expect(await start(cloud).done).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(
        /VerificationFailed: kv: could not be verified: Boom: VerifyTable went wrong \| s__events: could not be verified: Boom: VerifyTable went wrong$/,
      ),
    });
    const odd = cloudOf({ before: (state) => (state === 'VerifyTable' ? {} : undefined) });
    expect(await start(odd).done).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(/VerificationFailed: there is not one verdict for each table$/),
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
      cause: `The old relay serves from SQLite again and nothing was lost, because IsSwitched failed with NotSwitched: the stack took the change set, but the service still has the task definition of the old relay, ${OLD}`,
    });
    expect(called(cloud, 'TakeAuthority')).toEqual([]);
  });

  it.each(wayBack.filter((name) => machine.States[name]?.Type === 'Task' && name !== 'AskAuthority'))(
    'stays at %s when that fails too, and a redrive goes on from there',
    async (state) => {
      let broken = true;
      const cloud = cloudOf({
        before: (name) => failing('AssertQuiet', ...(broken ? [state] : [])).before(name),
      });
      const execution = start(cloud);
      expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'Boom' });
      broken = false;
      execution.redrive();
      expect(await execution.done).toMatchObject({ error: 'RolledBack' });
      expect(called(cloud, 'ScaleDown')).toHaveLength(1);
    },
  );
});
