import validate from 'asl-validator';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { type Execution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject, TaskState } from '../../statemachine/asl.ts';
import { withFunctions } from '../../statemachine/definition.ts';
import { prepareMachine } from '../../statemachine/prepare/prepare.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import {
  type Cloud,
  called,
  cloudOf,
  failing,
  halting,
  PINNED,
  PREVIEW,
  redriven,
  start as startMachine,
} from './cloud.ts';
import { allStates, brokenWays, catchersOf, expressionsOf, unassignedReads } from './graph.ts';

const settings = parseSettings();
const machine = prepareMachine(settings);
const start = (cloud: Cloud, input: Json = {}): Execution => startMachine(machine, cloud, input);
const every = allStates(machine.States);
const tasks = every.flatMap(({ name, state }) => (state.Type === 'Task' ? [{ name, state }] : []));
/** Those whose failure ends the machine: neither the halt itself, nor a release, nor what is asked about afterwards. */
const failed = tasks.map(({ name }) => name).filter((name) => !/^(Hold|Release|RunLoad$)/.test(name));

describe('the machine prepare', () => {
  it('is valid, has a way to every state, and reads no variable that has no value', () => {
    const deployed = withFunctions(machine, (name) => `arn:aws:lambda:me-central-1:123456789012:function:${name}:7`);
    expect(validate(structuredClone(deployed)).errorsText()).toBe('');
    expect(JSON.stringify(deployed)).not.toContain('${');
    expect(brokenWays(machine.StartAt, machine.States)).toEqual({ unreachable: [], missing: [] });
    expect(unassignedReads(machine.StartAt, machine.States)).toEqual([]);
  });

  it('has expressions that JSONata takes, and a comment at every state', () => {
    for (const { name, state } of every) {
      for (const { field, text } of expressionsOf(state)) expect(() => jsonata(text), `${name} ${field}`).not.toThrow();
      expect(state.Comment, name).toMatch(/^\S.{9,}/);
    }
  });

  it('never stops or starts the relay, and never takes authority', () => {
    const words = JSON.stringify(machine);
    for (const word of ['ScaleServiceFunction', 'AuthorityFunction', 'ecs:updateService'])
      expect(words).not.toContain(word);
    expect(words.match(/"desiredCount":\d/g)).toEqual(Array(4).fill('"desiredCount":1'));
  });

  it('ends with what a person has to know before a cutover', async () => {
    const cloud = cloudOf();
    expect(await start(cloud).done).toEqual({
      status: 'SUCCEEDED',
      output: {
        outcome: 'PrepareComplete',
        rows: 2,
        tables: cloud.tables.map(({ table }) => ({ table, verdict: 'verified', findings: [] })),
        quarantinedRows: 0,
        excluded: [],
        loadSeconds: 12.5,
        fileSystemBytes: 4096,
        stackEdits: ['adds a database'],
        original: 'key',
        cutover: {
          changes: PREVIEW,
          drainSecondsMax: 40,
          expectedWriteStopSeconds: 10 + 2 * 60 + 90 + 13,
          start: 'Start cutover with {} within 7 days; later, run prepare again first.',
        },
        notes: [],
        commit: expect.stringContaining('relay-cutover template pull'),
      },
    });
    expect(cloud.calls.map(({ state }) => state)).toEqual([
      ...['TakeLock', 'PreflightPrepare', 'ProposePrepare', 'InspectPrepare', 'ExecutePrepare', 'AwaitPrepare'],
      ...['ProtectStack', 'PreflightCutover', 'RunLoad', 'ReadLoad', 'VerifyLoadedTable', 'VerifyLoadedTable'],
      'ReleasePrepared',
    ]);
  });

  it('says how many rows are in quarantine', async () => {
    const cloud = cloudOf();
    cloud.tables = cloud.tables.map((table) => ({ ...table, quarantinedRows: 2, quarantinedDigest: 'f' }));
    expect(await start(cloud).done).toMatchObject({
      output: { quarantinedRows: 4, tables: [{ quarantined: { rows: 2, digest: 'f' } }, {}] },
    });
  });

  it.each([
    [[{ table: 'invite', rows: 3 }]],
    [
      [
        { table: 'invite', rows: 3 },
        { table: 'vectors', rows: null },
      ],
    ],
  ])('tells in its output what the cutover leaves behind: %j', async (excluded) => {
    const tables = [{ table: 'kv', kind: 'kv', rows: 1, digest: '' }];
    const cloud = cloudOf({
      before: (state) =>
        state === 'ReadLoad' ? { runId: 'load', tables, excluded, samples: [], seconds: 1 } : undefined,
    });
    expect(await start(cloud).done).toMatchObject({ status: 'SUCCEEDED', output: { excluded } });
  });

  it('hands the pinned image and the settings to the change set, kept under its own name', async () => {
    const cloud = cloudOf();
    await start(cloud).done;
    expect(called(cloud, 'ProposePrepare')).toMatchObject([
      {
        purpose: 'prepare',
        execution: 'test',
        desiredCount: 1,
        prepare: { migratorImage: PINNED, settings: { names: settings.names, database: settings.database } },
      },
    ]);
  });

  it('runs the load as a task of its own, and reads that very run', async () => {
    const cloud = cloudOf();
    await start(cloud).done;
    const [load] = called(cloud, 'RunLoad') as [JsonObject];
    expect(load).toMatchObject({
      TaskDefinition: 'migrate:1',
      Overrides: { ContainerOverrides: [{ Command: ['load'] }] },
    });
    expect(JSON.stringify(load)).toContain('"test/0/load-1.0"');
    expect(called(cloud, 'ReadLoad')).toMatchObject([
      { mode: 'load', runIdPrefix: 'test/0/load-1.', taskFailure: null },
    ]);
  });

  it('runs an interrupted load once more, and no third time', async () => {
    const interrupted = (times: number) =>
      cloudOf({
        before: (state, count) => {
          if (state === 'ReadLoad' && count <= times) throw new TaskFailure('MigrationInterrupted', '{}');
          return undefined;
        },
      });
    const once = interrupted(1);
    expect(await start(once).done).toMatchObject({ status: 'SUCCEEDED' });
    expect(called(once, 'ReadLoad')).toMatchObject([
      { runIdPrefix: 'test/0/load-1.' },
      { runIdPrefix: 'test/0/load-2.' },
    ]);
    const twice = interrupted(2);
    expect(await start(twice).done).toMatchObject({ error: 'PrepareFailed' });
    expect(called(twice, 'RunLoad')).toHaveLength(2);
  });

  it('says what ECS says of a task that left no word', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state === 'RunLoad') throw new TaskFailure('States.TaskFailed', '{"StoppedReason":"no room"}');
        return undefined;
      },
    });
    await start(cloud).done;
    expect(called(cloud, 'ReadLoad')).toMatchObject([{ taskFailure: 'States.TaskFailed: no room' }]);
  });

  it('ends when a table differs, and names it', async () => {
    const cloud = cloudOf({
      before: (state, _, { table }) =>
        state === 'VerifyLoadedTable' && table === 'kv'
          ? { table, verdict: 'mismatch', findings: ['one row more'] }
          : undefined,
    });
    expect(await start(cloud).done).toMatchObject({
      error: 'PrepareFailed',
      cause: expect.stringContaining('VerifyLoad failed with VerificationFailed: kv: one row more'),
    });
  });

  it('is turned away while another execution has the stack', async () => {
    const cloud = cloudOf({
      before: (state) => {
        if (state === 'TakeLock') throw new TaskFailure('LockHeld', '{"errorMessage":"held by X"}');
        return undefined;
      },
    });
    expect(await start(cloud).done).toMatchObject({
      error: 'AnotherExecution',
      cause: 'Nothing was changed by this execution: held by X',
    });
    expect(cloud.calls).toHaveLength(1);
  });

  it.each(failed.filter((name) => name !== 'VerifyLoadedTable'))(
    'ends, says why and gives the lock back when %s fails',
    async (state) => {
      const cloud = cloudOf(failing(state));
      expect(await start(cloud).done).toMatchObject({
        status: 'FAILED',
        error: 'PrepareFailed',
        cause: `The relay serves from SQLite as before, and prepare may be started anew when the cause is removed. ${state} failed with Boom: ${state} went wrong`,
      });
      expect(called(cloud, 'ReleaseFailed')).toHaveLength(1);
    },
  );

  it.each(failed)('halts under hold when %s fails, and a redrive begins anew and completes', async (state) => {
    const world = { broken: [state] };
    const cloud = cloudOf(halting(() => world.broken));
    const execution = start(cloud, { onFailure: 'hold' });
    expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'HeldForOperator' });
    world.broken = [];
    expect(await redriven(execution)).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'PrepareComplete' } });
    expect(called(cloud, 'ReleaseFailed')).toEqual([]);
  });

  it('catches every failure but that of a halt', () => {
    for (const { name, state } of tasks) {
      if (name === 'HoldPrepare') continue;
      const caught = catchersOf(state as TaskState).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(caught, name).toContain('States.ALL');
    }
  });
});
