import type { MachineName } from '../statemachine/machine-names.ts';
import type { Fault } from './faults.ts';
import type { Place } from './places.ts';
import type { Randomness } from './randomness.ts';
import type { Scenario } from './scenario.ts';

type Detour = Partial<
  Pick<Scenario, 'journey' | 'onFailure' | 'faults' | 'deletesFileSystem' | 'redrivesAfterSeconds' | 'givesUp'>
>;

/** What has to go wrong before a run comes to some states at all. */
const DETOURS: { machine: MachineName; states: RegExp; leads(random: Randomness): Detour }[] = [
  {
    machine: 'cutover',
    states: /^(HoldUnchanged)$/,
    leads: (random) => ({ onFailure: 'hold', faults: [outage('cutover', random.one(LOOKING))] }),
  },
  {
    machine: 'cutover',
    states: /^(ReleaseUnchanged)$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [outage('cutover', random.one(LOOKING))] }),
  },
  {
    machine: 'cutover',
    states: /^(RestStackAfterHold)$/,
    leads: (random) => ({ ...heldAndRedriven(random), faults: [outage('cutover', random.one(AFTER_STOP))] }),
  },
  {
    machine: 'cutover',
    states: /^(ReclaimAfterHold|Reassess)$/,
    leads: (random) => ({
      ...heldAndRedriven(random),
      faults: [outage('cutover', random.one([...AFTER_STOP, ...ON_TARGET]))],
    }),
  },
  {
    machine: 'cutover',
    states: /^Hold$/,
    leads: (random) => ({ onFailure: 'hold', faults: [outage('cutover', random.one([...AFTER_STOP, ...ON_TARGET]))] }),
  },
  { machine: 'cutover', states: /^AwaitAuthority$/, leads: silentTarget },
  {
    machine: 'cutover',
    states: /^HoldOnTarget$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [...afterAuthority(random), ...noReverse('cutover')] }),
  },
  {
    machine: 'cutover',
    states: /(HoldWayBack|^RunReverse|^ReadReverse|^VerifyReversedTable|^AssertNoneRan|^ReturnAuthority)$/,
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
    leads: (random) => ({ journey: ['cutover'], faults: [aborting(random.one(ON_TARGET)), ...noReverse('restore')] }),
  },
  {
    machine: 'restore',
    states: /^HoldRestore$/,
    leads: (random) => ({
      journey: ['cutover'],
      faults: [
        aborting(random.one(AFTER_STOP)),
        outage('restore', random.one(['StopRelays', 'ProposeRestore', 'ScaleUpOldRelay'])),
      ],
    }),
  },
  {
    machine: 'restore',
    states: /(HoldWayBack|^RunReverse|^ReadReverse|^VerifyReversedTable|^AssertNoneRan|^ReturnAuthority)$/,
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
      onFailure: 'hold',
      faults: [outage('rollback', random.one(LOOKING_BACK))],
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
    states: /^ReclaimAfterHold$/,
    leads: (random) => ({
      journey: ['rollback'],
      ...heldAndRedriven(random),
      faults: [outage('rollback', random.one(GOING_BACK))],
    }),
  },
  {
    machine: 'rollback',
    states: /^Hold$/,
    leads: (random) => ({
      journey: ['rollback'],
      onFailure: 'hold',
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
    states: /^(ReclaimForReturn|AskWhoServes|RestStackForReturn|ReleaseGivenUp)$|KeptRelay$|SettleKept$/,
    leads: (random) => ({
      journey: ['rollback'],
      onFailure: 'rollback',
      faults: [outage('rollback', random.one(GOING_BACK))],
    }),
  },
  {
    machine: 'prepare',
    states: /^HoldPrepare$/,
    leads: (random) => ({ onFailure: 'hold', faults: [outage('prepare', random.one(PREPARING))] }),
  },
  {
    machine: 'prepare',
    states: /^ReleaseFailed$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [outage('prepare', random.one(PREPARING))] }),
  },
  {
    machine: 'finalize',
    states: /^HoldFinalize$/,
    leads: (random) => ({ onFailure: 'hold', faults: [outage('finalize', random.one(FINALIZING))] }),
  },
  {
    machine: 'finalize',
    states: /^ReleaseFailed$/,
    leads: (random) => ({ onFailure: 'rollback', faults: [outage('finalize', random.one(FINALIZING))] }),
  },
  { machine: 'finalize', states: /FileSystem/, leads: () => ({ deletesFileSystem: true }) },
];

const LOOKING = ['TakeLock', 'Preflight', 'ReadAuthority', 'RecordPlan'];
/** Of the cutover, between the stop and authority, where a change set has been proposed. */
const AFTER_STOP = ['AwaitStopped', 'ReadManifest', 'AssertQuiet', 'ProposeSwitch', 'AwaitSwitch', 'DescribeNewRelay'];
/** Of the cutover, where the target holds authority. */
const ON_TARGET = ['ScaleUp', 'HealthCheckNewRelay', 'ProposeSettle', 'AwaitSettle'];
const LOOKING_BACK = ['TakeLock', 'PreflightRollback', 'ReadAuthority', 'FindOriginal', 'RecordPlan'];
/** Of the rollback, between the stop and the return of authority. */
const GOING_BACK = ['StopRelays', 'ProposeHoldWayBack', 'AwaitRelaysStopped', 'AwaitHoldWayBack'];
const PREPARING = ['PreflightPrepare', 'ProposePrepare', 'ProtectStack', 'PreflightCutover'];
const FINALIZING = ['PreflightFinalize', 'ReadAuthority', 'FindSnapshot', 'ProposeRemoval'];

function outage(machine: MachineName, state: string): Fault {
  return { kind: 'outage', machine, state, visit: 1, amount: 0 };
}

function aborting(state: string): Fault {
  return { kind: 'aborted', machine: 'cutover', state, visit: 1, amount: 0.01 };
}

function afterAuthority(random: Randomness): Fault[] {
  return [outage('cutover', random.one(ON_TARGET))];
}

/** It halts, and the operator redrives it before the faults are gone. */
function heldAndRedriven(random: Randomness): Detour {
  return { onFailure: 'hold', redrivesAfterSeconds: [random.below(600)], givesUp: false };
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

/** What else is to go wrong, so that a run comes to a place. */
export function detourTo({ machine, state }: Place, random: Randomness): Detour {
  const found = DETOURS.find((detour) => detour.machine === machine && detour.states.test(state));
  return found?.leads(random) ?? {};
}
