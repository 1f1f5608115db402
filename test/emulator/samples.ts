import type { Json, JsonObject } from '../../statemachine/asl.ts';

/**
 * Times lie so far from now that a span from one of them until now has nine or ten digits: by that it is known as one
 * that two runs cannot have in common.
 */
const LONG_AGO = '2001-01-01T00:00:00.000Z';
const FAR_OFF = '2099-01-01T00:00:00.000Z';

const OLD = 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay:1';
const NEW = 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay:2';
const IMAGE = `relay@sha256:${'c'.repeat(64)}`;
const SAMPLE = { id: 'a'.repeat(64), sig: 'b'.repeat(128) };
const TABLES = [
  { table: 'kv', kind: 'kv', rows: 3, digest: '0'.repeat(64) },
  { table: 's__events', kind: 'events', rows: 4, digest: '1'.repeat(64) },
];
const MANIFEST = { runId: 'cutover/0/reconcile-1.0', tables: TABLES, samples: [SAMPLE], seconds: 12.5 };
const VERDICTS = TABLES.map(({ table }) => ({ table, verdict: 'verified', findings: [] }));
const DIFFERING = [
  VERDICTS[0] as JsonObject,
  { table: 's__events', verdict: 'different', findings: ['4 rows, expected 5', 'another digest'] },
];
const ARCHIVE: JsonObject = {
  bucket: 'artefacts',
  prefix: 'archive/relay/finalize-1/',
  fileSystem: 'fs-1',
  files: [{ file: 'db', bytes: 4096, sha256: '2'.repeat(64), versionId: 'v1' }],
  count: 2,
  listedBytes: 36_864,
};
const SNAPSHOT = { snapshot: 'relay-db-finalize-1', createdAt: LONG_AGO };
const FAILURE = { state: 'Somewhere', error: 'Refused', cause: 'it says "no"\nand \\ why: äöü', redriveCount: 0 };
const PLAN: JsonObject = {
  cluster: 'relay-cluster',
  service: 'relay-service',
  family: 'relay',
  domain: 'relay.test',
  oldTaskDefinition: OLD,
  newTaskDefinition: NEW,
  migration: { taskDefinition: 'migrate:1', subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'] },
  rollback: { taskDefinition: 'rollback:1' },
  target: { host: 'db.test', port: 5432, database: 'zooid' },
  newImage: IMAGE,
  samples: [SAMPLE],
  lastChangeSet: null,
  execution: 'cutover-1',
  database: 'relay-db',
  isRemoved: false,
  fileSystem: 'fs-1',
  migrationFamilies: ['relay-migrate', 'relay-rollback'],
  archive: { bucket: 'artefacts', prefix: 'archive/relay', taskRole: 'arn:role/archive' },
  imageDefault: null,
  preview: { edits: ['one', 'two'], lines: ['+x'], image: IMAGE, drainSecondsMax: 40 },
};

const APPROVAL = { by: 'Ada', at: LONG_AGO };
const LOAD = { loadedRows: 7, loadSeconds: 12.5 };
const NO_LOAD = { loadedRows: 0, loadSeconds: 0 };

/** A value of every variable that a state of any machine reads. */
export const VARIABLES: JsonObject = {
  allowDeletions: false,
  approval: null,
  archive: ARCHIVE,
  archiveFailure: null,
  archivePrefix: 'finalize/0/archive-1.',
  attempt: 1,
  authority: { holder: 'source', runId: null, changedAt: null, loadedAt: LONG_AGO, ...LOAD },
  authorityAsked: false,
  checkFailure: null,
  checkPrefix: 'rollback/0/check-reverse-1.',
  checked: MANIFEST,
  copiedAt: LONG_AGO,
  deadline: FAR_OFF,
  deregistered: ['relay-migrate:1'],
  failure: FAILURE,
  fileSystem: { outcome: 'kept', id: 'fs-1' },
  health: { domain: 'relay.test', taskDefinition: NEW, checked: 1, missing: [], emptyCheck: false },
  inspection: { outcome: 'ready', changes: [] },
  loadFailure: null,
  loadPrefix: 'prepare/0/load-1.',
  loadVerdicts: VERDICTS,
  loaded: MANIFEST,
  manifest: MANIFEST,
  plan: PLAN,
  preparation: { migratorImage: IMAGE, preview: { edits: ['one'], lines: [] }, fileSystemBytes: 4096, notes: [] },
  proposal: { changeSet: 'arn:change-set', edits: ['one'], original: 's3://bucket/original.yaml' },
  refusal: 'another execution runs',
  relay: { taskDefinition: NEW },
  reverseAttempt: 1,
  reverseFailure: FAILURE,
  reversePrefix: 'cutover/0/reverse-1.',
  reverseVerdicts: VERDICTS,
  reversed: MANIFEST,
  runIdPrefix: 'cutover/0/reconcile-1.',
  samples: [SAMPLE],
  snapshot: SNAPSHOT,
  stackChange: 'arn:change-set',
  stopped: { stoppedAt: LONG_AGO, seenAt: LONG_AGO },
  superseded: 'another execution has taken over',
  takeOver: { verdict: 'taken', reason: 'ended as FAILED', takenFrom: 'arn:execution', plan: PLAN },
  verdicts: VERDICTS,
  writeStop: {
    from: '2001-01-01T00:00:00.000Z',
    until: null,
    steps: [
      { step: 'copy', at: '2001-01-01T00:00:20.500Z' },
      { step: 'verification', at: '2001-01-01T00:00:21.000Z' },
    ],
  },
};

export interface Variation {
  title: string;
  variables?: JsonObject;
  /** Of the execution. */
  input?: Json;
}

/**
 * What else the variables may be. Each state is tried with all of them, and those that make a difference count: a Choice
 * has to go every way that it has.
 */
export const VARIATIONS: Variation[] = [
  { title: 'as usual' },
  { title: 'hold', input: { onFailure: 'hold' } },
  { title: 'approval, not asked for yet', input: { approve: true } },
  {
    title: 'approval, given',
    input: { approve: true },
    variables: { approval: { ...APPROVAL, preview: JSON.stringify(PLAN.preview) } },
  },
  {
    title: 'approval, of another plan',
    input: { approve: true },
    variables: { approval: { ...APPROVAL, preview: '{}' } },
  },
  { title: 'restore, by the rule', input: { execution: 'arn:execution' } },
  { title: 'restore, by a person', input: { takeOver: true, allowDeletions: true } },
  { title: 'an input that is no object', input: ['hold'] },
  {
    title: 'a target without a load',
    variables: { authority: { holder: 'source', runId: null, loadedAt: null, ...NO_LOAD } },
  },
  {
    title: 'a load of just now',
    variables: { authority: { holder: 'source', runId: null, loadedAt: FAR_OFF, ...LOAD } },
  },
  {
    title: 'the target is the truth, by this run',
    variables: {
      authority: { holder: 'target', runId: MANIFEST.runId, changedAt: LONG_AGO, loadedAt: LONG_AGO, ...LOAD },
    },
  },
  {
    title: 'the target is the truth, since a moment ago',
    variables: { authority: { holder: 'target', runId: MANIFEST.runId, changedAt: FAR_OFF, loadedAt: LONG_AGO } },
  },
  { title: 'the file system is to go', input: { deleteFileSystem: true } },
  {
    title: 'the file system has left the stack',
    variables: { plan: { ...PLAN, isRemoved: true, fileSystem: null, migration: null }, archivePrefix: null },
  },
  { title: 'a default that has to be set', variables: { plan: { ...PLAN, imageDefault: IMAGE } } },
  { title: 'nothing left to deregister', variables: { deregistered: [] } },
  {
    title: 'the target is the truth, by another run',
    variables: { authority: { holder: 'target', runId: 'other', loadedAt: LONG_AGO, ...LOAD } },
  },
  {
    title: 'the target is the truth, and the old relay stands',
    variables: {
      authority: { holder: 'target', runId: 'other', loadedAt: LONG_AGO, ...LOAD },
      relay: { taskDefinition: OLD },
    },
  },
  { title: 'the target is silent', variables: { authority: { holder: 'unknown' } } },
  {
    title: 'the target is silent, and was asked',
    variables: { authority: { holder: 'unknown' }, authorityAsked: true },
  },
  { title: 'no change set', variables: { proposal: null } },
  { title: 'a switch that switched nothing', variables: { relay: { taskDefinition: OLD } } },
  { title: 'no attempt left', variables: { attempt: 9, reverseAttempt: 9 } },
  { title: 'no time left', variables: { deadline: LONG_AGO } },
  {
    title: 'tables that differ',
    variables: { verdicts: DIFFERING, loadVerdicts: DIFFERING, reverseVerdicts: DIFFERING },
  },
  {
    title: 'a verdict too few',
    variables: { verdicts: [VERDICTS[0] as Json], loadVerdicts: [], reverseVerdicts: [VERDICTS[0] as Json] },
  },
  {
    title: 'one table',
    variables: Object.fromEntries(
      ['manifest', 'loaded', 'reversed'].map((name) => [name, { ...MANIFEST, tables: TABLES.slice(0, 1) }]),
    ),
  },
  {
    title: 'no tables',
    variables: Object.fromEntries(
      ['manifest', 'loaded', 'reversed'].map((name) => [name, { ...MANIFEST, tables: [] }]),
    ),
  },
  { title: 'no manifest', variables: { manifest: null, loaded: null, reversed: null } },
  { title: 'no samples', variables: { samples: [] } },
  { title: 'deletions allowed', variables: { allowDeletions: true } },
  { title: 'nothing failed', variables: { failure: null, reverseFailure: null } },
  { title: 'nothing to take over', variables: { takeOver: { verdict: 'nothing', reason: 'it runs' } } },
  { title: 'a load that failed', variables: { loadFailure: FAILURE, checkFailure: FAILURE, archiveFailure: FAILURE } },
  { title: 'no write stop yet', variables: { writeStop: { from: null, until: null, steps: [] } } },
  {
    title: 'a write stop that is over',
    variables: {
      writeStop: {
        from: '2001-01-01T00:00:00.000Z',
        until: '2001-01-01T00:00:05.000Z',
        steps: [{ step: 'start of the relay', at: '2001-01-01T00:00:05.000Z' }],
      },
    },
  },
];

/** The input of a state inside a Map is an item; that of any other state is whatever the one before left. */
export const ITEM: JsonObject = TABLES[1] as JsonObject;
export const INPUT: Json = { left: 'by the state before', list: [] };

/** What each function returns, by its name and, where it does several things, by the action or mode that it is asked for. */
export const PAYLOADS: Record<string, Json> = {
  preflight: PLAN,
  'preflight-prepare': VARIABLES.preparation as Json,
  'preflight-rollback': PLAN,
  'execution-lock/acquire': { owner: 'arn:execution', takenFrom: null },
  'execution-lock/record': { recorded: true },
  'execution-lock/reclaim': { owner: 'arn:execution' },
  'execution-lock/hold': { released: false },
  'execution-lock/release': { released: true },
  'execution-lock/take-over': VARIABLES.takeOver as Json,
  'preflight-finalize': PLAN,
  'database-snapshot/find-or-take': SNAPSHOT,
  'database-snapshot/await': SNAPSHOT,
  'delete-file-system/delete': { fileSystem: 'fs-1' },
  'delete-file-system/await': { fileSystem: 'fs-1' },
  'deregister-tasks': { deregistered: ['relay-migrate:1', 'relay-migrate:2'] },
  'scale-service': { desiredCount: 0 },
  'authority/read': { holder: 'source', runId: null, loadedAt: LONG_AGO, ...LOAD },
  'authority/take': { holder: 'target', runId: MANIFEST.runId, loadedAt: LONG_AGO, ...LOAD },
  'authority/return': { holder: 'source', runId: null, loadedAt: LONG_AGO, ...LOAD },
  'authority/withdraw': { holder: 'source', runId: null, loadedAt: LONG_AGO, ...LOAD },
  'change-stack/propose': VARIABLES.proposal as Json,
  'change-stack/inspect': VARIABLES.inspection as Json,
  'change-stack/execute': { outcome: 'ready', executed: true },
  'change-stack/await': { lastChangeSet: 'arn:change-set' },
  'change-stack/rest': { stackStatus: 'UPDATE_COMPLETE' },
  'change-stack/find-original': { execution: 'cutover-1', image: IMAGE },
  'prepare-stack/propose': VARIABLES.proposal as Json,
  'prepare-stack/inspect': VARIABLES.inspection as Json,
  'prepare-stack/execute': { outcome: 'ready', executed: true },
  'prepare-stack/await': { lastChangeSet: 'arn:change-set' },
  'prepare-stack/protect': { protected: ['RDSInstance'] },
  'finalize-stack/propose': VARIABLES.proposal as Json,
  'finalize-stack/inspect': VARIABLES.inspection as Json,
  'finalize-stack/execute': { outcome: 'ready', executed: true },
  'finalize-stack/await': { lastChangeSet: 'arn:change-set' },
  'assert-quiet/count': { stoppedAt: LONG_AGO },
  'assert-quiet/assert': { stoppedAt: LONG_AGO },
  'read-manifest/load': MANIFEST,
  'read-manifest/reconcile': MANIFEST,
  'read-manifest/check-reverse': MANIFEST,
  'read-manifest/reverse': MANIFEST,
  'read-manifest/archive': { ...MANIFEST, archive: ARCHIVE },
  'verify-counts': VERDICTS[1] as Json,
  'health-check': VARIABLES.health as Json,
};

/** What the other integrations return. */
export const RESULTS: Record<string, Json> = {
  // What a person's answer hands over.
  'arn:aws:states:::lambda:invoke.waitForTaskToken': APPROVAL,
  'arn:aws:states:::aws-sdk:ecs:describeServices': { Services: [{ TaskDefinition: NEW }], Failures: [] },
  'arn:aws:states:::ecs:runTask.sync': { TaskArn: 'arn:task', LastStatus: 'STOPPED', Containers: [{ ExitCode: 0 }] },
};

/** Causes as they come: of a Lambda, of an ECS task, cut off, empty, or plain. */
export const CAUSES: string[] = [
  JSON.stringify({ errorType: 'X', errorMessage: 'it says "no"\nand \\ why: äöü', trace: [] }),
  JSON.stringify({ TaskArn: 'arn:task', StopCode: 'EssentialContainerExited', StoppedReason: 'exit code 1' }),
  JSON.stringify({ errorMessage: 'x'.repeat(40_000) }).slice(0, 32_768),
  '{"noMessage": 1}',
  '',
  'plain words',
];
