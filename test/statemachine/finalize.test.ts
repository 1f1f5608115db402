import validate from 'asl-validator';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { type Execution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject, TaskState } from '../../statemachine/asl.ts';
import { withFunctions } from '../../statemachine/definition.ts';
import { finalizeMachine } from '../../statemachine/finalize/finalize.ts';
import { inputFindings } from '../../statemachine/input.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import {
  ARCHIVE,
  type Cloud,
  called,
  cloudOf,
  failing,
  halting,
  LOADED_AT,
  redriven,
  SAMPLE,
  SNAPSHOT,
  start as startMachine,
} from './cloud.ts';
import { allStates, brokenWays, catchersOf, expressionsOf, unassignedReads } from './graph.ts';

const settings = parseSettings();
const machine = finalizeMachine(settings);
const start = (cloud: Cloud, input: Json = {}): Execution => startMachine(machine, cloud, input);
const every = allStates(machine.States);
const tasks = every.flatMap(({ name, state }) => (state.Type === 'Task' ? [{ name, state }] : []));
/** Those whose failure ends the machine: neither the halt itself, nor a release, nor what is asked about afterwards. */
const failed = tasks.map(({ name }) => name).filter((name) => !/^(Hold|Release|RunArchive$)/.test(name));

const DAY = 86_400_000;
const LONG_SINCE = new Date(Date.now() - 8 * DAY).toISOString();
/** A week after a cutover. */
const confident = (fields: Partial<Cloud> = {}): Cloud =>
  cloudOf({ holder: 'target', changedAt: LONG_SINCE, ...fields });
const DELETING = { deleteFileSystem: true };

describe('the machine finalize', () => {
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

  it('never stops the relay, never changes authority, and leaves no plan with the lock', () => {
    const words = JSON.stringify(machine);
    for (const word of ['ScaleServiceFunction', 'ecs:updateService', '"action":"record"', '"action":"take"'])
      expect(words).not.toContain(word);
    expect(words.match(/"desiredCount":\d/g)).toEqual(Array(4).fill('"desiredCount":1'));
  });

  it('ends with what was done, and with what remains for a person', async () => {
    const cloud = confident();
    expect(await start(cloud).done).toEqual({
      status: 'SUCCEEDED',
      output: {
        outcome: 'FinalizeComplete',
        archive: ARCHIVE,
        snapshot: SNAPSHOT,
        removed: [],
        fileSystem: { outcome: 'kept', id: 'fs-1', how: expect.stringContaining('{"deleteFileSystem": true}') },
        deregistered: ['migrate:1'],
        remaining: [
          expect.stringContaining('relay-cutover template pull'),
          expect.stringContaining('Retag the image'),
          expect.stringContaining('Delete Dockerfile.migrate'),
          expect.stringContaining('Keep the archive'),
        ],
      },
    });
    expect(cloud.calls.map(({ state }) => state)).toEqual([
      ...['TakeLock', 'PreflightFinalize', 'ReadAuthority', 'DescribeRelay', 'HealthCheckRelay'],
      ...['FindSnapshot', 'AwaitSnapshot', 'RunArchive', 'ReadArchive'],
      ...['ProposeRemoval', 'InspectRemoval', 'ExecuteRemoval', 'AwaitRemoval'],
      ...['DeregisterMigrationTasks', 'ReleaseFinalized'],
    ]);
    expect(called(cloud, 'HealthCheckRelay')).toMatchObject([{ samples: [SAMPLE], deadline: null }]);
  });

  it('archives by a task under a role of its own, into a folder of the execution, and reads that very run', async () => {
    const cloud = confident();
    await start(cloud).done;
    const [run] = called(cloud, 'RunArchive') as [JsonObject];
    expect(run).toMatchObject({
      TaskDefinition: 'migrate:1',
      Overrides: { TaskRoleArn: 'arn:archive-role', ContainerOverrides: [{ Command: ['archive'] }] },
    });
    const [{ Environment }] = (run.Overrides as { ContainerOverrides: [{ Environment: Json }] }).ContainerOverrides;
    expect(Environment).toEqual(
      expect.arrayContaining([
        { Name: 'CUTOVER_RUN_ID', Value: 'test/0/archive-1.0' },
        { Name: 'CUTOVER_ARCHIVE_BUCKET', Value: 'bucket' },
        { Name: 'CUTOVER_ARCHIVE_PREFIX', Value: 'archive/stack/test/' },
        { Name: 'CUTOVER_ARCHIVE_FILE_SYSTEM', Value: 'fs-1' },
        { Name: 'CUTOVER_ARCHIVE_IGNORE', Value: '["db-shm"]' },
      ]),
    );
    expect(called(cloud, 'ReadArchive')).toEqual([
      { mode: 'archive', runIdPrefix: 'test/0/archive-1.', samples: [], taskFailure: null },
    ]);
  });

  it('leaves out of the archive what the settings name', () => {
    const text = JSON.stringify(finalizeMachine(parseSettings({ archiveIgnore: ['db-shm', 'tmp/x'] })));
    expect(text).toContain(JSON.stringify(JSON.stringify(['db-shm', 'tmp/x'])).slice(1, -1));
  });

  it('deletes the file system only when it is told to, after the archive was read and the stack has let it go', async () => {
    const cloud = confident();
    expect(await start(cloud, DELETING).done).toMatchObject({
      output: { fileSystem: { outcome: 'deleted', id: 'fs-1' } },
    });
    const order = ['ReadArchive', 'AwaitRemoval', 'DeleteFileSystem', 'AwaitFileSystemGone'];
    const places = order.map((name) => cloud.calls.findIndex(({ state }) => state === name));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(called(cloud, 'DeleteFileSystem')).toMatchObject([{ action: 'delete', archive: ARCHIVE }]);
    for (const input of [{}, { deleteFileSystem: false }, { deleteFileSystem: 'true' }]) {
      const kept = confident();
      await start(kept, input).done;
      expect(called(kept, 'DeleteFileSystem')).toEqual([]);
    }
  });

  it('goes on with what remains when the file system has left the stack: by the archive of an earlier run', async () => {
    const cloud = confident({ isRemoved: true });
    expect(await start(cloud, DELETING).done).toMatchObject({ status: 'SUCCEEDED' });
    expect(called(cloud, 'RunArchive')).toEqual([]);
    expect(called(cloud, 'ReadArchive')).toMatchObject([{ mode: 'archive', runIdPrefix: '', taskFailure: null }]);
    expect(called(cloud, 'ProposeRemoval')).toHaveLength(1);
  });

  it.each([
    ['target', LOADED_AT, `PostgreSQL holds the truth since ${LOADED_AT}, and has to for 7 days`],
    ['source', LONG_SINCE, 'authority is with the source: no cutover stands'],
  ])(
    'changes nothing when the %s holds the truth since %s, whatever the input says',
    async (holder, changedAt, cause) => {
      const cloud = cloudOf({ holder, changedAt });
      expect(await start(cloud, { confidenceDays: 0 }).done).toMatchObject({
        error: 'FinalizeFailed',
        cause: expect.stringContaining(`IsConfident failed with NotConfident: ${cause}`),
      });
      expect(cloud.calls.map(({ state }) => state)).toEqual([
        ...['TakeLock', 'PreflightFinalize', 'ReadAuthority', 'ReleaseFailed'],
      ]);
    },
  );

  it('runs an interrupted archive once more, and no third time', async () => {
    const interrupted = (times: number) =>
      confident({
        before: (state, count) => {
          if (state === 'ReadArchive' && count <= times) throw new TaskFailure('MigrationInterrupted', '{}');
          return undefined;
        },
      });
    const once = interrupted(1);
    expect(await start(once).done).toMatchObject({ status: 'SUCCEEDED' });
    expect(called(once, 'ReadArchive')).toMatchObject([
      { runIdPrefix: 'test/0/archive-1.' },
      { runIdPrefix: 'test/0/archive-2.' },
    ]);
    const twice = interrupted(2);
    expect(await start(twice).done).toMatchObject({ error: 'FinalizeFailed' });
    expect(called(twice, 'RunArchive')).toHaveLength(2);
    const removed = interrupted(1);
    removed.isRemoved = true;
    expect(await start(removed).done).toMatchObject({ error: 'FinalizeFailed' });
    expect(called(removed, 'RunArchive')).toEqual([]);
  });

  it('is turned away while another execution has the stack', async () => {
    const cloud = confident({
      before: (state) => {
        if (state === 'TakeLock') throw new TaskFailure('LockHeld', '{"errorMessage":"held by X"}');
        return undefined;
      },
    });
    expect(await start(cloud).done).toMatchObject({ error: 'AnotherExecution' });
    expect(cloud.calls).toHaveLength(1);
  });

  it.each(failed)('ends, says why and gives the lock back when %s fails', async (state) => {
    const cloud = confident(failing(state));
    expect(await start(cloud, DELETING).done).toMatchObject({
      status: 'FAILED',
      error: 'FinalizeFailed',
      cause: `The relay serves from PostgreSQL as before, and finalize may be started anew when the cause is removed. ${state} failed with Boom: ${state} went wrong`,
    });
    expect(called(cloud, 'ReleaseFailed')).toHaveLength(1);
  });

  it.each(failed)('halts under hold when %s fails, and a redrive begins anew and completes', async (state) => {
    const world = { broken: [state] };
    const cloud = confident(halting(() => world.broken));
    const execution = start(cloud, { onFailure: 'hold', ...DELETING });
    expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'HeldForOperator' });
    world.broken = [];
    expect(await redriven(execution)).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'FinalizeComplete' } });
    // A failure of this very state is retried first.
    if (state !== 'TakeLock') expect(called(cloud, 'TakeLock')).toHaveLength(2);
  });

  it('catches every failure but that of a halt', () => {
    for (const { name, state } of tasks) {
      if (name === 'HoldFinalize') continue;
      const caught = catchersOf(state as TaskState).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(caught, name).toContain('States.ALL');
    }
  });
});

describe('the input of finalize', () => {
  it('knows deleteFileSystem, which no other machine knows', () => {
    expect(inputFindings('finalize', { deleteFileSystem: true, onFailure: 'hold' })).toBeUndefined();
    expect(inputFindings('prepare', { deleteFileSystem: true })).toBe(
      'The input of the execution is not right: Unrecognized key: "deleteFileSystem". Known: onFailure, comment.',
    );
    expect(inputFindings('finalize', { confidenceDays: 1 })).toBe(
      'The input of the execution is not right: Unrecognized key: "confidenceDays". Known: onFailure, comment, deleteFileSystem.',
    );
  });
});
