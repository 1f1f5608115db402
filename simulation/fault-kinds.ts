import { TaskFailure } from '../rehearsal/interpreter/execution.ts';
import type { Act, FaultKind, Strike } from './faults.ts';
import type { Place } from './places.ts';

const isFunction = ({ resource }: Place): boolean => resource === 'function';
const isMigrator = ({ resource }: Place): boolean => resource === 'migrator';
const onDatabase = ({ calls }: Place): boolean => /^(Authority|ReadManifest|VerifyCounts)Function$/.test(calls);
const isChanging = ({ machine }: Place): boolean => machine !== 'prepare' && machine !== 'finalize';
/**
 * Where the relay serves and goes on serving: a task that is started beside it makes two writers, which no machine can help. Where
 * a machine is about to stop it, whoever starts one waits for that (acts.ts).
 */
const servesOn = ({ state }: Place): boolean =>
  /^(TakeLock|Preflight\w*|ReadAuthority|AskApproval|RecordPlan|FindOriginal|\w+CheckReverse|HoldUnchanged|Release\w+|\w+Settle\w*)$/.test(
    state,
  );
const executes = ({ state }: Place): boolean => state.startsWith('Execute');
const isAny = (): boolean => true;
const seconds = (amount: number, most: number): number => Math.round(amount * most);
const act =
  (what: Act) =>
  (amount: number): Strike => ({ act: { what, afterSeconds: seconds(amount, 12) } });

/** Retries of `statemachine/tasks.ts`: four, and so five calls fail before a failure counts. */
const CALLS_UNTIL_EXHAUSTED = 5;

/** Everything that goes wrong in a run, and where it can. */
export const FAULT_KINDS: FaultKind[] = [
  {
    name: 'answer lost',
    title: 'a call does its work, and the answer never arrives',
    applies: isAny,
    passes: true,
    strike: () => ({
      losesAnswer: new TaskFailure('Lambda.SdkClientException', 'Unable to execute HTTP request'),
      waits: true,
    }),
    weight: 3,
  },
  {
    name: 'throttled',
    passes: true,
    title: 'a call is refused once or more for its rate',
    applies: isAny,
    strike: (amount) => ({
      fails: new TaskFailure('ECS.ThrottlingException', 'Rate exceeded'),
      failsAgain: Math.floor(amount * 3),
    }),
    weight: 2,
  },
  {
    name: 'outage',
    title: 'every try of a call fails, until no retry is left',
    applies: isAny,
    strike: () => ({
      fails: new TaskFailure('Lambda.ServiceException', 'Service unavailable'),
      failsAgain: CALLS_UNTIL_EXHAUSTED - 1,
    }),
    weight: 3,
  },
  {
    name: 'invoked twice',
    passes: true,
    title: 'a function is invoked twice for one call, the second time while the first is at work',
    applies: isFunction,
    strike: (amount) => ({ againAfterSeconds: amount * 3 }),
    weight: 3,
  },
  {
    name: 'killed midway',
    passes: true,
    title: 'a function ends in the middle of its work',
    applies: isFunction,
    strike: (amount) => ({ disturbance: { call: 1 + Math.floor(amount * 4), how: 'killed before' } }),
    weight: 2,
  },
  {
    name: 'inner answer lost',
    passes: true,
    title: 'a function does not get the answer to a call that it made, which did its work',
    applies: isFunction,
    strike: (amount) => ({ disturbance: { call: 1 + Math.floor(amount * 4), how: 'answer lost' } }),
    weight: 3,
  },
  {
    name: 'slow',
    title: 'every call that a function makes takes so long that its time may be over before its work is',
    applies: isFunction,
    strike: (amount) => ({ latencySeconds: 2 + amount * 12 }),
    weight: 2,
  },
  {
    name: 'stale answers',
    passes: true,
    title: 'ECS and CloudFormation answer with what was so some seconds ago',
    // FindOriginal asks neither of the two: it reads from S3, whose answers are never old.
    applies: ({ calls, state }) =>
      /^(AssertQuiet|HealthCheck|ChangeStack|PrepareStack|FinalizeStack)Function$/.test(calls) &&
      state !== 'FindOriginal',
    strike: () => ({ isStale: true, waits: true }),
    weight: 2,
  },
  {
    name: 'database restarts',
    title: 'the database restarts at a call: connections are lost, and whether a commit is done nobody knows',
    applies: (place) => onDatabase(place) || isMigrator(place),
    strike: (amount) => ({ databaseRestartsSeconds: 2 + amount * 30 }),
    weight: 2,
  },
  {
    name: 'start refused',
    title: 'ECS refuses to start the task of the migrator, for a while',
    applies: isMigrator,
    strike: (amount) => ({
      fails: new TaskFailure('ECS.AmazonECSException', 'Capacity is unavailable at this time'),
      failsAgain: Math.floor(amount * 4),
    }),
    weight: 2,
  },
  {
    name: 'task does not start',
    title: "the migrator's image cannot be pulled",
    applies: isMigrator,
    strike: () => ({ task: { how: 'does not start', step: 0 } }),
    weight: 2,
  },
  {
    name: 'task killed',
    title: 'the task of the migrator is killed in the middle of its work',
    applies: isMigrator,
    strike: (amount) => ({ task: { how: 'killed', step: 1 + Math.floor(amount * 6) } }),
    weight: 4,
  },
  {
    name: 'migrator errs',
    title: 'the migrator leaves out a row, and says that all is verified',
    applies: ({ state }) => state === 'RunMigrator' || state === 'RunLoad' || state === 'RunReverse',
    strike: () => ({ task: { how: 'errs', step: 0 } }),
    weight: 3,
  },
  {
    name: 'row altered',
    title: 'somebody alters a row of the target after it was copied: their number stays what it was',
    // What is altered after the verification nobody looks at again.
    applies: ({ machine, state }) => machine === 'cutover' && state === 'ReadManifest',
    strike: () => ({ altersRow: true }),
    weight: 6,
  },
  {
    name: 'task hangs',
    title: 'the task of the migrator stands still until somebody stops it',
    applies: isMigrator,
    strike: (amount) => ({ task: { how: 'hangs', step: 1 + Math.floor(amount * 6) } }),
    weight: 2,
  },
  {
    name: 'database restarts under the task',
    title: 'the migrator loses its connection in the middle of its work',
    applies: isMigrator,
    strike: (amount) => ({ task: { how: 'database restarts', step: 2 + Math.floor(amount * 5) } }),
    weight: 3,
  },
  {
    name: 'update fails late',
    title: 'a stack update fails at its last resource and is rolled back',
    applies: executes,
    strike: () => ({ update: 'fails' }),
    weight: 4,
  },
  {
    name: 'update never ends',
    title: 'a stack update goes on until somebody cancels it',
    applies: executes,
    strike: () => ({ update: 'never ends' }),
    weight: 3,
  },
  {
    name: 'circuit breaker',
    title: 'the circuit breaker of ECS ends a stack update',
    applies: executes,
    strike: () => ({ update: 'circuit breaker' }),
    weight: 2,
  },
  {
    name: 'relay stops slowly',
    title: 'the relay goes on for a minute or two after it was told to stop, and its clients with it',
    applies: ({ state }) => state === 'ScaleDown' || state === 'StopRelays',
    strike: (amount) => ({ stopSeconds: 20 + amount * 100 }),
    passes: true,
    weight: 6,
  },
  {
    name: 'relay crashes',
    title: 'the relay on PostgreSQL ends right after its start, a few times or for good',
    applies: ({ state }) => state === 'ScaleUp' || state === 'ScaleUpKeptRelay',
    strike: (amount) => ({ crashes: amount < 0.5 ? 2 : 10_000 }),
    weight: 6,
  },
  {
    name: 'relay mute',
    title: 'the relay on PostgreSQL serves none of the events that it has',
    applies: ({ state }) => state === 'ScaleUp' || state === 'ScaleUpKeptRelay',
    strike: () => ({ isMute: true }),
    weight: 6,
  },
  {
    name: 'scaled up by hand',
    title: 'somebody sets the desired count of the service to 1',
    applies: isChanging,
    strike: act('scales up by hand'),
    weight: 2,
  },
  {
    name: 'scaled down by hand',
    title: 'somebody sets the desired count of the service to 0',
    applies: isChanging,
    strike: act('scales down by hand'),
    weight: 1,
  },
  {
    name: 'task started by hand',
    title: "somebody starts a task of the service's task definition, once none runs",
    applies: (place) => isChanging(place) && !servesOn(place),
    strike: act('starts a task by hand'),
    weight: 2,
  },
  {
    name: 'deployed by hand',
    title: 'somebody updates the stack',
    applies: isChanging,
    strike: act('deploys the stack by hand'),
    weight: 2,
  },
  {
    name: 'aborted',
    title: 'somebody stops the execution',
    applies: isAny,
    strike: act('aborts the execution'),
    weight: 3,
  },
  {
    name: 'second cutover',
    title: 'somebody starts another cutover meanwhile',
    applies: isAny,
    strike: act('starts a second cutover'),
    weight: 1,
  },
  {
    name: 'rollback asked',
    title: 'somebody starts a rollback meanwhile',
    applies: isAny,
    strike: act('starts a rollback'),
    weight: 1,
  },
  {
    name: 'takeover asked',
    title: 'somebody starts restore with takeOver meanwhile',
    applies: isAny,
    strike: act('starts restore with takeOver'),
    weight: 1,
  },
  ...(['reject', 'late', 'twice', 'never'] as const).map(
    (answers): FaultKind => ({
      name: `approval ${answers}`,
      title: `the person who is asked answers: ${answers}`,
      applies: ({ state }) => state === 'AskApproval',
      strike: () => ({ answers }),
      weight: 3,
    }),
  ),
];

export function kindOf(name: string): FaultKind {
  const found = FAULT_KINDS.find((kind) => kind.name === name);
  if (found) return found;
  throw new Error(`There is no fault "${name}". Known: ${FAULT_KINDS.map((kind) => kind.name).join(', ')}.`);
}
