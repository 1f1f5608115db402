import type { MachineName } from '../statemachine/machine-names.ts';
import type { Fault } from './faults.ts';
import type { Randomness } from './randomness.ts';
import type { Pair, Scenario } from './scenario.ts';

type Detour = Partial<
  Pick<Scenario, 'journey' | 'onFailure' | 'faults' | 'deletesFileSystem' | 'redrivesAfterSeconds' | 'givesUp'>
>;

/** Whoever starts a task waits until none runs. */
const STARTED_BY_HAND = /^task started by hand$/;

/** What has to go wrong before a run comes to some states at all. */
const DETOURS: {
  machine: MachineName;
  states: RegExp;
  /** Where some kinds take a way of their own. */
  kinds?: RegExp;
  leads(random: Randomness): Detour;
}[] = [
  {
    machine: 'cutover',
    states: /^(HoldUnchanged)$/,
    leads: (random) => ({ ...redriven(random), faults: [outage('cutover', random.one(LOOKING_LOCKED))] }),
  },
  {
    machine: 'cutover',
    states: /^(ReleaseUnchanged)$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [outage('cutover', random.one(LOOKING))] }),
  },
  {
    machine: 'cutover',
    states: /^(RestStackAfterHold)$/,
    leads: (random) => ({ ...redriven(random), faults: [outage('cutover', random.one(AFTER_STOP))] }),
  },
  {
    machine: 'cutover',
    states: /^(Hold|ReclaimAfterHold|Reassess)$/,
    kinds: STARTED_BY_HAND,
    leads: (random) => ({ ...redriven(random), faults: [outage('cutover', random.one([...AFTER_STOP, 'ScaleUp']))] }),
  },
  {
    machine: 'cutover',
    states: /^(Hold|ReclaimAfterHold|Reassess)$/,
    leads: (random) => ({
      ...redriven(random),
      faults: [outage('cutover', random.one([...AFTER_STOP, ...ON_TARGET]))],
    }),
  },
  { machine: 'cutover', states: /^AwaitAuthority$/, leads: silentTarget },
  {
    machine: 'cutover',
    states: /^HoldOnTarget$/,
    leads: (random) => ({
      ...redriven(random),
      onFailure: 'rollback',
      faults: [...afterAuthority(random), ...noReverse('cutover')],
    }),
  },
  {
    machine: 'cutover',
    // Before the template says 1 again there is no count to hold.
    states: /HoldWayBack$/,
    leads: () => ({ onFailure: 'rollback', faults: [outage('cutover', 'AwaitSettle')] }),
  },
  {
    machine: 'cutover',
    states: /(^RunReverse|^ReadReverse|^VerifyReversedTable|^AssertNoneRan|^ReturnAuthority)$/,
    leads: (random) => ({ onFailure: 'rollback', faults: afterAuthority(random) }),
  },
  {
    machine: 'cutover',
    states:
      /^(ReclaimForWayBack|AskAuthority|RestStack|StopRelays|AwaitRelaysStopped|ReleaseRolledBack)$|Restore$|OldRelay$|SettleRestored$/,
    leads: (random) => ({
      onFailure: 'rollback',
      faults: [outage('cutover', random.one([...AFTER_STOP, ...ON_TARGET]))],
    }),
  },
  {
    machine: 'restore',
    states: /^AwaitAuthority$/,
    leads: () => ({ journey: ['cutover'], faults: [aborting('RunMigrator'), outage('restore', 'AskAuthority')] }),
  },
  {
    machine: 'restore',
    states: /^HoldOnTarget$/,
    leads: (random) => ({
      journey: ['cutover'],
      ...redriven(random),
      faults: [aborting(random.one(ON_TARGET)), ...noReverse('restore')],
    }),
  },
  {
    machine: 'restore',
    states: /^HoldRestore$/,
    leads: (random) => ({
      journey: ['cutover'],
      ...redriven(random),
      faults: [
        aborting(random.one(AFTER_STOP)),
        outage('restore', random.one(['StopRelays', 'ProposeRestore', 'ScaleUpOldRelay'])),
      ],
    }),
  },
  {
    machine: 'restore',
    states: /HoldWayBack$/,
    leads: () => ({
      journey: ['cutover'],
      onFailure: 'rollback',
      faults: [outage('cutover', 'AwaitSettle'), aborting('AwaitSettle', ONCE_SETTLED)],
    }),
  },
  {
    machine: 'restore',
    states: /(^RunReverse|^ReadReverse|^VerifyReversedTable|^AssertNoneRan|^ReturnAuthority)$/,
    leads: (random) => ({ journey: ['cutover'], faults: [aborting(random.one(ON_TARGET))] }),
  },
  {
    machine: 'restore',
    states: /./,
    leads: (random) => ({ journey: ['cutover'], faults: [aborting(random.one([...AFTER_STOP, ...ON_TARGET]))] }),
  },
  {
    machine: 'rollback',
    states: /^HoldUnchanged$/,
    leads: (random) => ({
      journey: ['rollback'],
      ...redriven(random),
      faults: [outage('rollback', random.one(LOOKING_BACK_LOCKED))],
    }),
  },
  {
    machine: 'rollback',
    states: /^ReleaseUnchanged$/,
    leads: (random) => ({
      journey: ['rollback'],
      onFailure: 'rollback',
      faults: [outage('rollback', random.one(LOOKING_BACK))],
    }),
  },
  {
    machine: 'rollback',
    states: /^(Hold|ReclaimAfterHold)$/,
    kinds: STARTED_BY_HAND,
    leads: (random) => ({
      journey: ['rollback'],
      ...redriven(random),
      faults: [outage('rollback', random.one(STOPPED_BACK))],
    }),
  },
  {
    machine: 'rollback',
    states: /^(ReclaimForReturn|AskWhoServes)$/,
    kinds: STARTED_BY_HAND,
    leads: keptAfterStop,
  },
  {
    machine: 'rollback',
    states: /^HoldGivenUp$/,
    kinds: STARTED_BY_HAND,
    leads: (random) => ({
      journey: ['rollback'],
      ...redriven(random),
      onFailure: 'rollback',
      faults: [
        outage('rollback', random.one(STOPPED_BACK)),
        outage('rollback', random.one(['RestStackForReturn', 'DescribeKeptRelay'])),
      ],
    }),
  },
  {
    machine: 'rollback',
    states: /^(Hold|ReclaimAfterHold)$/,
    leads: (random) => ({
      journey: ['rollback'],
      ...redriven(random),
      faults: [outage('rollback', random.one(GOING_BACK))],
    }),
  },
  {
    machine: 'rollback',
    states: /^AwaitAuthority$/,
    leads: () => ({ journey: ['rollback'], faults: [outage('rollback', 'AskAuthority')] }),
  },
  {
    machine: 'rollback',
    states: /^HoldGivenUp$/,
    leads: (random) => ({
      journey: ['rollback'],
      ...redriven(random),
      onFailure: 'rollback',
      faults: [
        outage('rollback', random.one(GOING_BACK)),
        outage(
          'rollback',
          random.one(['RestStackForReturn', 'DescribeKeptRelay', 'ScaleUpKeptRelay', 'ProposeSettleKept']),
        ),
      ],
    }),
  },
  {
    machine: 'rollback',
    // With the relay stopped and the count held: else it need not be started, and there is nothing to settle.
    states: /^RestStackForReturn$|KeptRelay$|SettleKept$/,
    leads: keptAfterStop,
  },
  {
    machine: 'rollback',
    states: /^(ReclaimForReturn|AskWhoServes|ReleaseGivenUp)$/,
    leads: (random) => ({
      journey: ['rollback'],
      onFailure: 'rollback',
      faults: [outage('rollback', random.one(GOING_BACK))],
    }),
  },
  {
    machine: 'prepare',
    states: /^HoldPrepare$/,
    leads: (random) => ({ ...redriven(random), faults: [outage('prepare', random.one(PREPARING))] }),
  },
  {
    machine: 'prepare',
    states: /^ReleaseFailed$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [outage('prepare', random.one(PREPARING))] }),
  },
  {
    machine: 'finalize',
    states: /^HoldFinalize$/,
    leads: (random) => ({ ...redriven(random), faults: [outage('finalize', random.one(FINALIZING))] }),
  },
  {
    machine: 'finalize',
    states: /^ReleaseFailed$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [outage('finalize', random.one(FINALIZING))] }),
  },
  { machine: 'finalize', states: /FileSystem/, leads: () => ({ deletesFileSystem: true }) },
];

/** Only who has the lock is found by the operator, and redriven. */
const LOOKING_LOCKED = ['Preflight', 'ReadAuthority', 'RecordPlan'];
const LOOKING = ['TakeLock', ...LOOKING_LOCKED];
/** Of the cutover, between the stop and authority, where a change set has been proposed. */
const AFTER_STOP = ['AwaitStopped', 'ReadManifest', 'AssertQuiet', 'ProposeSwitch', 'AwaitSwitch', 'DescribeNewRelay'];
/** Of the cutover, where the target holds authority. */
const ON_TARGET = ['ScaleUp', 'HealthCheckNewRelay', 'ProposeSettle', 'AwaitSettle'];
const LOOKING_BACK_LOCKED = ['PreflightRollback', 'ReadAuthority', 'FindOriginal', 'RecordPlan'];
const LOOKING_BACK = ['TakeLock', ...LOOKING_BACK_LOCKED];
/** Of the rollback, between the stop and the return of authority. */
const GOING_BACK = ['StopRelays', 'ProposeHoldWayBack', 'AwaitRelaysStopped', 'AwaitHoldWayBack'];
/** Of these, where the relay has stopped, or is about to. */
const STOPPED_BACK = ['AwaitRelaysStopped', 'AwaitHoldWayBack'];
const PREPARING = ['PreflightPrepare', 'ProposePrepare', 'ProtectStack', 'PreflightCutover'];
const FINALIZING = ['PreflightFinalize', 'ReadAuthority', 'FindSnapshot', 'ProposeRemoval'];

function outage(machine: MachineName, state: string): Fault {
  return { kind: 'outage', machine, state, visit: 1, amount: 0 };
}

/** Of what an amount makes of the time of a deed, as much as the update that settles takes. */
const ONCE_SETTLED = 0.75;

function aborting(state: string, amount = 0.01): Fault {
  return { kind: 'aborted', machine: 'cutover', state, visit: 1, amount };
}

function afterAuthority(random: Randomness): Fault[] {
  return [outage('cutover', random.one(ON_TARGET))];
}

/** It halts, and the operator redrives it while things still go wrong: only then a halt has an answer, and what comes after it its turn. */
function redriven(random: Randomness): Detour {
  return { onFailure: 'hold', redrivesAfterSeconds: [random.below(600)], givesUp: false };
}

/** The rollback is given up once the relay has stopped, and the count is held. */
function keptAfterStop(random: Randomness): Detour {
  return { journey: ['rollback'], onFailure: 'rollback', faults: [outage('rollback', random.one(STOPPED_BACK))] };
}

/** Whether authority was taken before the target fell silent nobody knows. */
function silentTarget(random: Randomness): Detour {
  const failing = random.one(['TakeAuthority', ...ON_TARGET]);
  return { onFailure: 'rollback', faults: [outage('cutover', failing), outage('cutover', 'AskAuthority')] };
}

/** Each attempt of the reverse is killed; a run that would go on by the next one does not. */
function noReverse(machine: MachineName): Fault[] {
  return [1, 2, 3].map((visit) => ({ kind: 'task killed', machine, state: 'RunReverse', visit, amount: 0.3 }));
}

/** What else is to go wrong, so that a run comes to the place of a pair. */
export function detourTo({ place: { machine, state }, kind }: Pair, random: Randomness): Detour {
  const found = DETOURS.find(
    ({ kinds, ...detour }) =>
      detour.machine === machine && detour.states.test(state) && (kinds?.test(kind.name) ?? true),
  );
  return found?.leads(random) ?? {};
}
