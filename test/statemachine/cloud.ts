import { expect } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import { type Execution, startExecution, type TaskCall, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import { createTaskTokens, type TaskTokens } from '../../rehearsal/interpreter/task-tokens.ts';
import type { Json, JsonObject, StateMachine } from '../../statemachine/asl.ts';

export const OLD = 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay:1';
export const NEW = 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay:2';
/** Long enough ago not to be now, and not too long. */
export const LOADED_AT = new Date(Date.now() - 3_600_000).toISOString();
export const TARGET = { host: 'db.example', port: 5432, database: 'zooid' };
export const PINNED = `relay@sha256:${'c'.repeat(64)}`;
export const PREVIEW = { edits: ['an edit'], lines: ['@@ line 1', '+x'], image: PINNED, drainSecondsMax: 40 };
export const SAMPLE = { id: 'a'.repeat(64), sig: 'b'.repeat(128) };

export const SNAPSHOT = { snapshot: 'db-finalize-1', createdAt: LOADED_AT };
export const ARCHIVE = {
  bucket: 'bucket',
  prefix: 'archive/stack/test/',
  fileSystem: 'fs-1',
  files: [{ file: 'db', bytes: 4096, sha256: '1'.repeat(64), versionId: 'v1' }],
  count: 2,
  listedBytes: 36_864,
};

export interface Cloud {
  /** Name and arguments of every call, in order. */
  calls: { state: string; payload: Json }[];
  holder: string;
  serviceHas: string;
  samples: Json[];
  /** ISO time since which the holder holds authority. */
  changedAt: string;
  /** Whether the file system has left the stack. */
  isRemoved: boolean;
  tables: JsonObject[];
  /** How long the calls of a state take on the clock. */
  seconds: Record<string, number>;
  /** By which an execution that waits for approval is answered; the payload of AskApproval has its token. */
  taskTokens: TaskTokens;
  /** Looked at before each call: throw to fail it, return something to answer in its place. */
  before: (state: string, times: number, payload: JsonObject) => Json | undefined;
}

/** Answers for every task of the machine as the real handlers answer, and keeps authority. */
export function cloudOf(fields: Partial<Cloud> = {}): Cloud {
  const table = (name: string, kind: string) => ({ table: name, kind, rows: 1, digest: '0'.repeat(64) });
  return {
    calls: [],
    holder: 'source',
    serviceHas: OLD,
    samples: [SAMPLE],
    changedAt: LOADED_AT,
    isRemoved: false,
    seconds: {},
    taskTokens: createTaskTokens(),
    tables: [table('kv', 'kv'), table('s__events', 'events')],
    before: () => undefined,
    ...fields,
  };
}

function planOf(samples: Json[]): JsonObject {
  return {
    cluster: 'cluster',
    service: 'service',
    family: 'relay',
    domain: 'relay.test',
    oldTaskDefinition: OLD,
    migration: { taskDefinition: 'migrate:1', subnets: ['subnet-1'], securityGroups: ['sg-1'] },
    rollback: { taskDefinition: 'rollback:1' },
    target: TARGET,
    newImage: PINNED,
    preview: PREVIEW,
    samples,
    lastChangeSet: null,
  };
}

function finalizePlanOf({ samples, isRemoved }: Cloud): JsonObject {
  return {
    ...planOf(samples),
    database: 'db',
    isRemoved,
    fileSystem: isRemoved ? null : 'fs-1',
    ...(isRemoved && { migration: null }),
    migrationFamilies: ['migrate', 'rollback'],
    archive: { bucket: 'bucket', prefix: 'archive/stack', taskRole: 'arn:archive-role' },
    imageDefault: null,
  };
}

function verdictOf(payload: JsonObject): JsonObject {
  const { table = '', quarantinedRows, quarantinedDigest = '' } = payload ?? {};
  const quarantined =
    quarantinedRows === undefined ? {} : { quarantined: { rows: quarantinedRows, digest: quarantinedDigest } };
  return { table, verdict: 'verified', ...quarantined, findings: [] };
}

function answer(cloud: Cloud, state: string, payload: JsonObject): Json {
  const { samples, tables } = cloud;
  if (state === 'TakeAuthority') cloud.holder = 'target';
  if (state === 'ReturnAuthority') cloud.holder = 'source';
  if (state === 'ExecuteRemoval') cloud.isRemoved = true;
  if (state === 'ExecuteSwitch') cloud.serviceHas = NEW;
  if (state === 'ExecuteRestore') cloud.serviceHas = OLD;
  const known: Record<string, Json> = {
    Preflight: planOf(samples),
    ReadManifest: { runId: 'run', tables, samples },
    PreflightPrepare: {
      migratorImage: PINNED,
      preview: { edits: ['adds a database'], lines: [] },
      fileSystemBytes: 4096,
      notes: [],
    },
    ReadLoad: { runId: 'load', tables, samples: [], seconds: 12.5 },
    VerifyLoadedTable: verdictOf(payload),
    ProtectStack: { protected: ['RDSInstance'] },
    PreflightCutover: planOf(samples),
    ReadReverse: { runId: 'reverse', tables, samples },
    PreflightRollback: { ...planOf(samples), newTaskDefinition: NEW },
    FindOriginal: { execution: 'of-the-cutover', image: 'old' },
    ReadCheckReverse: { runId: 'check', tables: [], samples, seconds: 3 },
    VerifyTable: verdictOf(payload),
    VerifyReversedTable: { table: payload?.table ?? '', verdict: 'verified', findings: [] },
    PreflightFinalize: finalizePlanOf(cloud),
    FindSnapshot: { snapshot: 'db-finalize-1', createdAt: null },
    AwaitSnapshot: SNAPSHOT,
    ReadArchive: { runId: 'archive', tables, samples: [], seconds: 1, archive: ARCHIVE },
    AwaitFileSystemGone: { fileSystem: 'fs-1' },
    DeregisterMigrationTasks: { deregistered: ['migrate:1'] },
    TakeLock: { owner: 'us', takenFrom: null },
    RestStack: { stackStatus: 'UPDATE_COMPLETE' },
  };
  const byPrefix: [string, Json][] = [
    ['Propose', { changeSet: 'change-set', edits: [], original: 'key' }],
    ['Inspect', { outcome: 'ready', changes: [] }],
    ['Execute', { outcome: 'ready', executed: true }],
    ['AwaitRelaysStopped', { stoppedAt: '2026-01-01T00:01:00.000Z' }],
    ['AwaitStopped', { stoppedAt: '2026-01-01T00:00:00.000Z' }],
    ['Await', { lastChangeSet: `of ${state}` }],
    ['ConfirmStopped', { stoppedAt: '2026-01-01T00:00:10.000Z' }],
    ['Assert', { stoppedAt: '2026-01-01T00:00:10.000Z' }],
    ['HealthCheck', { domain: 'relay.test', checked: 1 }],
  ];
  const authority = {
    holder: cloud.holder,
    runId: 'run',
    changedAt: cloud.changedAt,
    loadedAt: LOADED_AT,
    loadedRows: 2,
    loadSeconds: 12.5,
  };
  return known[state] ?? byPrefix.find(([prefix]) => state.startsWith(prefix))?.[1] ?? authority;
}

/** Every call of a function that signs in to the database says where that is; what else it says is looked at by the tests. */
function withoutTarget({ target, ...payload }: JsonObject): JsonObject {
  if (target !== undefined) expect(target).toEqual(TARGET);
  return payload;
}

export function start(definition: StateMachine, cloud: Cloud, input: Json = {}): Execution {
  const clock = createClock({ speed: Number.POSITIVE_INFINITY });
  return startExecution({
    machine: definition,
    stateMachineArn: 'arn:aws:states:me-central-1:123456789012:stateMachine:cutover',
    name: 'test',
    input,
    clock,
    taskTokens: cloud.taskTokens,
    integration: async (call: TaskCall) => {
      const { Name } = call.context.State as { Name: string };
      const parameters = call.arguments as JsonObject;
      const payload = withoutTarget((parameters.Payload ?? parameters) as JsonObject);
      cloud.calls.push({ state: Name, payload });
      const times = cloud.calls.filter(({ state }) => state === Name).length;
      await clock.sleep(cloud.seconds[Name] ?? 0);
      const instead = cloud.before(Name, times, payload as JsonObject);
      if (call.resource.includes('ecs:')) {
        if (instead !== undefined) return instead;
        return Name.startsWith('Describe') ? { Services: [{ TaskDefinition: cloud.serviceHas }] } : {};
      }
      return { Payload: instead ?? answer(cloud, Name, payload as JsonObject) };
    },
  });
}

export const failing = (...names: string[]) => ({
  before: (state: string) => {
    if (!names.includes(state)) return undefined;
    throw new TaskFailure('Boom', JSON.stringify({ errorType: 'Boom', errorMessage: `${state} went wrong` }));
  },
});
export const called = (cloud: Cloud, state: string) =>
  cloud.calls.filter((call) => call.state === state).map(({ payload }) => payload);

/** Matches these words, followed by how long the write stop was: the cloud's stop is long past, and the clock real. */
export const andWriteStop = (words: string): string =>
  expect.stringMatching(
    new RegExp(`^${words.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')}\\.? The write stop lasted [\\d.]+ s: .* s\\.$`),
  );

/** Redrives once, with the cause gone. */
export async function redriven(execution: Execution): Promise<Awaited<Execution['done']>> {
  execution.redrive();
  return execution.done;
}

/** As the lock's function does it: a halt ends when the redrive count has grown; `broken` names the tasks that fail meanwhile. */
export function halting(broken: () => string[]): Pick<Cloud, 'before'> {
  return {
    before: (state, _times, payload) => {
      if (
        /^Hold(Unchanged|OnTarget|Restore|Prepare|GivenUp|Finalize)?$/.test(state) &&
        Number(payload.redriveCount) <= Number(payload.heldAtRedrive)
      )
        throw new TaskFailure('HeldForOperator', JSON.stringify({ errorMessage: 'held' }));
      return failing(...broken()).before(state);
    },
  };
}
