import { expect } from 'vitest';
import type { Execution, ExecutionResult } from '../../rehearsal/interpreter/execution.ts';
import { redriveWhereAsked } from '../../rehearsal/redrive.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { type FailingState, failing } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { underWriter } from '../support/standing.ts';
import { expectAllKept } from './kept.ts';
import { createKiller, type Victim, type When } from './killer.ts';
import { chaosStates, isApplicable } from './states.ts';

/** A stretch of the way: a machine that is started again until each of its states on that stretch has been hit. */
interface Leg {
  title: string;
  machine: MachineName;
  /** What is broken on purpose all the while, since the stretch is on no good way. */
  broken: FailingState[];
  round(stage: Stage): Promise<string>;
  /** It halts at what fails and is redriven, so that one round comes to every state. */
  inOneRound?: true;
  /** How each round has to end, and who holds the truth then. */
  ends: RegExp;
  holder: 'source' | 'target';
  /** Brings the world to where the stretch begins, unless it is there. */
  before?(stage: Stage): Promise<void>;
}

const ROUNDS_MAX = 12;
const DAY_SECONDS = 86_400;

/** After them `restore` finds nothing to do. */
const OWN_ENDINGS = ['RolledBack', 'NotRolledBack', 'PreflightFailed', 'AnotherExecution'];

export interface Walked {
  killed: Set<string>;
  passed: Set<string>;
  executions: number;
}

/**
 * One relay that goes to PostgreSQL and back several times while one kind of process is killed around every state, each
 * in its turn, and looks after every stretch whether anything was lost.
 *
 * @param stretches also what comes after `prepare` and the first cutover
 */
export async function walk(
  victim: Victim,
  when: When,
  sourceDirectory: string,
  { stretches = true } = {},
): Promise<Walked> {
  let onStage: Stage | undefined;
  const setStage = (stage: Stage): void => {
    onStage = stage;
  };
  const killer = createKiller(victim, when, () => onStage ?? fail('The stage is not set yet.'));
  const unhealthy = failing('HealthCheckNewRelay');
  const unstopped = failing('AwaitRelaysStopped');
  const unreversed = failing('RunReverse', 'instead', 'rollback');
  const broken = [unhealthy, unstopped, unreversed];
  for (const one of broken) one.repair();
  let executions = 0;
  const aimAt = (machine: MachineName): void =>
    killer.aimAt(
      machine,
      chaosStates()
        .filter((state) => state.machine === machine && isApplicable(victim, state))
        .map(({ name }) => name),
    );
  aimAt('prepare');
  await rehearsed({
    faults: [
      // The first task of all tells on which stage all this takes place.
      { ...failing('TakeLock', 'instead', 'prepare'), harm: setStage, embeddedOnly: true },
      ...killer.faults,
      // A redrive takes away what was killed, and not what is broken all the while.
      ...broken.map((one) => ({ ...one, repair() {} })),
    ],
    options: {
      ...{ sourceDirectory, onFailure: 'hold', afterwards: 'redrive' },
      observer: { step() {}, log() {}, event: killer.watch },
    },
    async whileItStands(record, stage) {
      expect([record.outcome, record.sentence]).toEqual(['CutoverComplete', expect.any(String)]);
      await killer.rest();
      for (const leg of stretches ? legs({ unhealthy, unstopped, unreversed }) : []) {
        for (const one of leg.broken) one.arm();
        let before = 0;
        let rounds = 0;
        do {
          before = killer.killed.size;
          aimAt(leg.machine);
          // Nothing is left there that this victim could be hit at, as for most of them when it is the migrator.
          if (killer.missed().length === 0) break;
          await killer.rest();
          for (const one of leg.broken) one.repair();
          await underWriter(stage, async () => leg.before?.(stage));
          for (const one of leg.broken) one.arm();
          aimAt(leg.machine);
          const end = await underWriter(stage, () => leg.round(stage).finally(killer.rest));
          expect(end, leg.title).toMatch(leg.ends);
          await expectAllKept(stage, leg.holder, leg.title);
          console.log(`${victim}, ${when}: ${leg.title}: ${end} after ${killer.killed.size - before} kills`);
        } while (!leg.inOneRound && killer.killed.size > before && ++rounds < ROUNDS_MAX);
        for (const one of leg.broken) one.repair();
      }
      executions = stage.stepFunctions.started.length;
    },
  }).finally(killer.end);
  return { killed: killer.killed, passed: killer.passed, executions };
}

/** Brings every state of every machine onto a way; the order is that in which one relay can go through them. */
function legs({
  unhealthy,
  unstopped,
  unreversed,
}: Record<'unhealthy' | 'unstopped' | 'unreversed', FailingState>): Leg[] {
  return [
    {
      ...{ title: 'an operator goes back', machine: 'rollback', broken: [], ends: /^RolledBack$/, holder: 'source' },
      inOneRound: true,
      round: (stage) => ended(stage, 'rollback', { onFailure: 'hold' }),
      before: there,
    },
    {
      ...{ title: 'a rollback is given up', machine: 'rollback', broken: [unreversed] },
      ...{ ends: /^NotRolledBack$/, holder: 'target' },
      before: there,
      round: (stage) => ended(stage, 'rollback', { onFailure: 'rollback' }),
    },
    {
      ...{ title: 'a cutover completes', machine: 'cutover', broken: [], ends: /^CutoverComplete$/, holder: 'target' },
      before: back,
      inOneRound: true,
      round: (stage) => ended(stage, 'cutover', { onFailure: 'hold' }),
    },
    {
      ...{ title: 'a cutover goes back', machine: 'cutover', broken: [unhealthy] },
      ...{ ends: /^(RolledBack|Restored)$/, holder: 'source' },
      before: back,
      round: (stage) => ended(stage, 'cutover', { onFailure: 'rollback' }),
    },
    {
      ...{ title: 'restore brings the relay back', machine: 'restore', broken: [unhealthy, unstopped] },
      ...{ ends: /^Restored$/, holder: 'source' },
      before: back,
      round: (stage) => ended(stage, 'cutover', { onFailure: 'rollback' }),
    },
    {
      ...{
        title: 'SQLite is let go of',
        machine: 'finalize',
        broken: [],
        ends: /^FinalizeComplete$/,
        holder: 'target',
      },
      before: there,
      inOneRound: true,
      async round(stage) {
        await stage.clock.skip((stage.options.settings.confidenceDays + 1) * DAY_SECONDS, stage.options.signal);
        return ended(stage, 'finalize', { onFailure: 'hold' });
      },
    },
    {
      ...{ title: 'SQLite is deleted', machine: 'finalize', broken: [], ends: /^FinalizeComplete$/, holder: 'target' },
      inOneRound: true,
      round: (stage) => ended(stage, 'finalize', { onFailure: 'hold', deleteFileSystem: true }),
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

function fail(message: string): never {
  throw new Error(message);
}
