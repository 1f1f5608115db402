import { expect } from 'vitest';
import type { Execution, ExecutionResult } from '../../rehearsal/interpreter/execution.ts';
import { redriveWhereAsked } from '../../rehearsal/redrive.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { type FailingState, failing } from '../support/failing.ts';

/** A stretch of the way: a machine that is started again until each of its states on that stretch has been hit. */
export interface Leg {
  title: string;
  machine: MachineName;
  /** What fails all the while, since the stretch is on no good way. */
  broken: FailingState[];
  /** Brings the world to where the stretch begins, unless it is there. */
  before(stage: Stage): Promise<void>;
  /** One execution, and what it sets off. @returns how that ended */
  round(stage: Stage): Promise<string>;
  /** How each round has to end, and who holds the truth then. */
  ends: RegExp;
  holder: 'source' | 'target';
  /** It halts at what fails and is redriven, so that one round comes to every state. */
  inOneRound?: true;
}

const DAY_SECONDS = 86_400;
const HOLD = { onFailure: 'hold' };
const BACK = { onFailure: 'rollback' };

/** Brings every state of every machine onto a way; the order is that in which one relay can go through them. */
export function legs(): Leg[] {
  return [
    {
      ...{ title: 'a rollback is refused', machine: 'rollback', ends: /^PreflightFailed$/, holder: 'target' },
      ...{ broken: [failing('PreflightRollback', 'instead', 'rollback')], before: there },
      round: (stage) => ended(stage, 'rollback', BACK),
    },
    {
      ...{ title: 'an operator goes back', machine: 'rollback', ends: /^RolledBack$/, holder: 'source' },
      ...{ broken: [], before: there, inOneRound: true },
      round: (stage) => ended(stage, 'rollback', HOLD),
    },
    {
      ...{ title: 'a rollback is given up', machine: 'rollback', ends: /^NotRolledBack$/, holder: 'target' },
      ...{ broken: [failing('RunReverse', 'instead', 'rollback')], before: there },
      round: (stage) => ended(stage, 'rollback', BACK),
    },
    {
      ...{ title: 'a preparation is refused', machine: 'prepare', ends: /^PrepareFailed$/, holder: 'source' },
      ...{ broken: [failing('PreflightPrepare', 'instead', 'prepare')], before: back },
      round: (stage) => ended(stage, 'prepare', BACK),
    },
    {
      ...{ title: 'a cutover is refused', machine: 'cutover', ends: /^PreflightFailed$/, holder: 'source' },
      ...{ broken: [failing('Preflight')], before: back },
      round: (stage) => ended(stage, 'cutover', BACK),
    },
    {
      ...{ title: 'a cutover completes', machine: 'cutover', ends: /^CutoverComplete$/, holder: 'target' },
      ...{ broken: [], before: back, inOneRound: true },
      round: (stage) => ended(stage, 'cutover', HOLD),
    },
    {
      ...{ title: 'a cutover goes back', machine: 'cutover', ends: /^(RolledBack|Restored)$/, holder: 'source' },
      ...{ broken: [failing('HealthCheckNewRelay')], before: back },
      round: (stage) => ended(stage, 'cutover', BACK),
    },
    {
      ...{ title: 'restore brings the relay back', machine: 'restore', ends: /^Restored$/, holder: 'source' },
      ...{ broken: [failing('HealthCheckNewRelay'), failing('AwaitRelaysStopped')], before: back },
      round: (stage) => ended(stage, 'cutover', BACK),
    },
    {
      ...{ title: 'SQLite is not let go of', machine: 'finalize', ends: /^FinalizeFailed$/, holder: 'target' },
      ...{ broken: [failing('PreflightFinalize', 'instead', 'finalize')], before: there },
      round: (stage) => ended(stage, 'finalize', BACK),
    },
    {
      ...{ title: 'SQLite is let go of', machine: 'finalize', ends: /^FinalizeComplete$/, holder: 'target' },
      ...{ broken: [], before: there, inOneRound: true },
      async round(stage) {
        await stage.clock.skip((stage.options.settings.confidenceDays + 1) * DAY_SECONDS, stage.options.signal);
        return ended(stage, 'finalize', HOLD);
      },
    },
    {
      ...{ title: 'SQLite is deleted', machine: 'finalize', ends: /^FinalizeComplete$/, holder: 'target' },
      ...{ broken: [], before: there, inOneRound: true },
      round: (stage) => ended(stage, 'finalize', { ...HOLD, deleteFileSystem: true }),
    },
  ];
}

const there = (stage: Stage): Promise<void> => undisturbed(stage, 'cutover', 'CutoverComplete', 'target');
const back = (stage: Stage): Promise<void> => undisturbed(stage, 'rollback', 'RolledBack', 'source');

/** A machine without a kill on its way, to where the next stretch begins; nothing where the truth is there already. */
async function undisturbed(stage: Stage, machine: MachineName, outcome: string, holder: string): Promise<void> {
  const { stepFunctions, target } = stage;
  if ((await target.query('SELECT holder FROM cutover.authority')).rows[0]?.holder === holder) return;
  const execution = stepFunctions.start(machine, {});
  await stepFunctions.settled();
  const { output, cause } = await execution.done;
  expect((output as JsonObject | undefined)?.outcome, cause).toBe(outcome);
}

/** After them `restore` finds nothing to do, or is not started at all. */
const OWN_ENDINGS = [
  ...['RolledBack', 'NotRolledBack', 'PreflightFailed', 'AnotherExecution', 'PrepareFailed', 'FinalizeFailed'],
];

/** Starts a machine, redrives it while it halts, and says how it ended: its outcome or error, or that of the `restore` it set off. */
async function ended(stage: Stage, machine: MachineName, input: JsonObject): Promise<string> {
  const execution = stage.stepFunctions.start(machine, input);
  const end = await redrivenWhileHeld(stage, machine, execution);
  if (end.status === 'SUCCEEDED' || OWN_ENDINGS.includes(String(end.error))) return outcomeOf(end);
  const restore = stage.stepFunctions.ofMachine('restore').at(-1);
  return restore ? outcomeOf(await redrivenWhileHeld(stage, 'restore', restore.execution)) : outcomeOf(end);
}

/** Any other ending is final: a redrive of it would be `Superseded`. */
async function redrivenWhileHeld(stage: Stage, machine: MachineName, execution: Execution): Promise<ExecutionResult> {
  await stage.stepFunctions.settled();
  const end = await execution.done;
  if (end.error !== 'HeldForOperator') return end;
  const asked: Stage = { ...stage, options: { ...stage.options, afterwards: 'redrive' } };
  const redriven = await redriveWhereAsked(asked, machine, execution);
  await stage.stepFunctions.settled();
  return redriven;
}

function outcomeOf({ output, error, status }: ExecutionResult): string {
  return String((output as JsonObject | undefined)?.outcome ?? error ?? status);
}
