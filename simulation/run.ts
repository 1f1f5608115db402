import type { HistoryEvent, Integration, TaskCall } from '../rehearsal/interpreter/execution.ts';
import { createTaskTokens } from '../rehearsal/interpreter/task-tokens.ts';
import { createStepFunctions, type LocalStepFunctions, localDefinition } from '../rehearsal/step-functions.ts';
import type { Json, StateMachine } from '../statemachine/asl.ts';
import type { MachineName } from '../statemachine/machine-names.ts';
import type { Settings } from '../statemachine/settings.ts';
import { answerApprovals } from './approvals.ts';
import { callOf } from './calls.ts';
import { type Cloud, createCloud, DATABASE_PASSWORD } from './cloud.ts';
import { type Fault, nameOf } from './faults.ts';
import type { FunctionWorld } from './functions.ts';
import { furnish } from './furnish.ts';
import { operate } from './operator.ts';
import { randomnessOf } from './randomness.ts';
import { RELAY_SECRET } from './relay-template.ts';
import type { Scenario } from './scenario.ts';
import { createStriker, type Striker } from './striker.ts';

/** A run while it goes on, and as it ended. */
export interface Run {
  scenario: Scenario;
  cloud: Cloud;
  stepFunctions: LocalStepFunctions;
  striker: Striker;
  functionWorld: FunctionWorld;
  say(line: string): void;
  /** Since when the cutover that runs has gone forward. */
  forward: { since: number | undefined };
}

export interface RunResult extends Run {
  /** Everything that the histories say, as one text: the same for the same seed. */
  fingerprint(): string;
}

const definitions = new Map<MachineName, StateMachine>();

function definitionOf(machine: MachineName, settings: Settings): StateMachine {
  const found = definitions.get(machine) ?? localDefinition(machine, settings);
  definitions.set(machine, found);
  return found;
}

/** Longer than all waits of a run together. */
const RUN_SECONDS_MAX = 60 * 86_400;

const SECRETS = [RELAY_SECRET, DATABASE_PASSWORD];

/** @param say gets a line for all that happens */
export async function runScenario(
  scenario: Scenario,
  settings: Settings,
  say?: (line: string) => void,
): Promise<RunResult> {
  const cloud = createCloud(settings, randomnessOf(scenario.seed, 'world'), (line) => at(`   ${line}`));
  const { clock, records } = cloud;
  const at = (line: string): void => say?.(`${clock.seconds().toFixed(1).padStart(9)} s  ${line}`);
  const striker = createStriker(scenario.faults, (fault: Fault) => at(`!! ${nameOf(fault)}`));
  let names = 0;
  const next = (): number => {
    names += 1;
    return names;
  };
  const taskTokens = createTaskTokens(() => `token-${next()}`);
  const jitter = randomnessOf(scenario.seed, 'jitter');
  const functionWorld: FunctionWorld = {
    cloud,
    recent: new Map(),
    describeExecution: (arn) => stepFunctions.describe(arn),
    publish: answerApprovals(() => run, taskTokens),
  };
  const integration: Integration = (call: TaskCall): Promise<Json> => callOf(run, call);
  const stepFunctions = createStepFunctions({
    ...{ settings, clock, integration, taskTokens },
    random: jitter.number,
    suffix: () => String(next()),
    definitionOf: (machine) => definitionOf(machine, settings),
    onEvent: (event, machine) => observe(run, event, machine, at),
    onEnded: async (arn) => noteEnding(run, arn, at),
  });
  const run: Run = { scenario, cloud, stepFunctions, striker, functionWorld, say: at, forward: { since: undefined } };
  cloud.relays.onStop = () => noteStop(run);
  try {
    await clock.runUntil(furnish(run), RUN_SECONDS_MAX);
    await clock.runUntil(operate(run), RUN_SECONDS_MAX);
    await clock.runUntil(lookAtTemplate(run), RUN_SECONDS_MAX);
  } catch (error) {
    records.stuck = (error as Error).message;
  }
  return { ...run, fingerprint: () => JSON.stringify(stepFunctions.started.map(({ execution }) => execution.history)) };
}

function observe(run: Run, event: HistoryEvent, machine: MachineName, at: (line: string) => void): void {
  const { records } = run.cloud;
  if (event.type === 'ExecutionRedriven') run.forward.since = undefined;
  const entered = event.stateEnteredEventDetails;
  if (entered) {
    at(`${machine}: ${entered.name}`);
    run.striker.visited.add(`${machine}.${entered.name}`);
    if (machine === 'cutover') timeForward(run, String(entered.name));
  }
  const failed = event.taskFailedEventDetails ?? event.taskTimedOutEventDetails;
  if (failed) at(`   failed with ${failed.error}: ${String(failed.cause).slice(0, 300)}`);
  const texts = [
    entered?.input,
    event.stateExitedEventDetails?.output,
    event.taskScheduledEventDetails?.parameters,
    event.taskSucceededEventDetails?.output,
    failed?.cause,
    event.executionFailedEventDetails?.cause,
  ];
  for (const text of texts) {
    if (text && SECRETS.some((secret) => text.includes(secret))) records.leaks.push(`${machine}, event ${event.id}`);
  }
}

/** Where the way forward begins to be timed, and where it ends. */
const FORWARD_BEGINS = ['RunMigrator'];
const FORWARD_ENDS = ['ProposeSettle', 'OnFailure', 'Hold', 'ReclaimForWayBack', 'ScaleDown', 'TakeLock'];

/** One cutover at a time gets as far as this. */
function timeForward({ cloud, forward }: Run, state: string): void {
  const now = cloud.clock.seconds();
  if (FORWARD_BEGINS.includes(state)) forward.since ??= now;
  if (!FORWARD_ENDS.includes(state) || forward.since === undefined) return;
  cloud.records.forward.push({ execution: state, seconds: Math.round(now - forward.since) });
  forward.since = undefined;
}

/** While only machines run that promise to leave the relay alone, it does not stop. */
function noteStop({ stepFunctions, cloud }: Run): void {
  const machines = stepFunctions.started
    .filter(({ execution }) => execution.status === 'RUNNING')
    .map((one) => one.machine);
  const isQuiet = machines.length > 0 && machines.every((machine) => machine === 'prepare' || machine === 'finalize');
  if (isQuiet)
    cloud.records.disturbed.push(`at ${cloud.clock.seconds()} s a relay stopped while ${machines.join(', ')} ran`);
}

/** The template has to say what is so: an update of tomorrow brings what it says. */
async function lookAtTemplate({ cloud }: Run): Promise<void> {
  const { cloudFormation, settings, records } = cloud;
  const { Stacks } = (await cloudFormation.call('DescribeStacks', { StackName: settings.stackName })) as {
    Stacks: { StackStatus: string; Parameters: { ParameterKey: string; ParameterValue: string }[] }[];
  };
  const count = Stacks[0]?.Parameters.find(({ ParameterKey }) => ParameterKey === settings.names.desiredCountParameter);
  if (count && count.ParameterValue !== '1')
    records.templateFindings.push(`the template's desired count is ${count.ParameterValue}`);
  if (!Stacks[0]?.StackStatus.endsWith('_COMPLETE'))
    records.templateFindings.push(`the stack is in ${Stacks[0]?.StackStatus}`);
}

function lastState(history: HistoryEvent[]): string {
  return history.findLast((event) => event.stateEnteredEventDetails)?.stateEnteredEventDetails?.name ?? '';
}

function isServed({ relays }: Cloud): boolean {
  const serving = relays.running.find(({ isTarget }) => isTarget);
  return serving !== undefined && !(serving.store === 'postgres' && relays.isMute);
}

function daysOnTarget({ postgres, clock }: Cloud): number {
  const authority = postgres.authority();
  if (authority?.holder !== 'target') return 0;
  return (clock.now().getTime() - authority.changedAt.getTime()) / 86_400_000;
}

async function noteEnding(run: Run, arn: string, at: (line: string) => void): Promise<void> {
  const { stepFunctions, cloud } = run;
  const found = stepFunctions.started.find(({ execution }) => execution.arn === arn);
  if (!found) return;
  const { status, error = '', cause = '' } = await found.execution.done;
  at(`${found.machine} ended as ${status} ${error} ${String(cause).slice(0, 300)}`);
  cloud.records.endings.push({
    ...{ atSeconds: cloud.clock.seconds(), machine: found.machine, execution: found.execution.name },
    state: lastState(found.execution.history),
    ...{ status, error, isServed: isServed(cloud), daysOnTarget: daysOnTarget(cloud) },
  });
}
