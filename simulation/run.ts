import type { HistoryEvent, Integration, TaskCall } from '../rehearsal/interpreter/execution.ts';
import { createTaskTokens } from '../rehearsal/interpreter/task-tokens.ts';
import { createStepFunctions, type LocalStepFunctions } from '../rehearsal/step-functions.ts';
import type { Json } from '../statemachine/asl.ts';
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
}

export interface RunResult extends Run {
  /** Everything that the histories say, as one text: the same for the same seed. */
  fingerprint(): string;
}

/** Longer than all waits of a run together. */
const RUN_SECONDS_MAX = 60 * 86_400;

const SECRETS = [RELAY_SECRET, DATABASE_PASSWORD];

/** @param say gets a line for all that happens */
export async function runScenario(
  scenario: Scenario,
  settings: Settings,
  say: (line: string) => void = () => {},
): Promise<RunResult> {
  const cloud = createCloud(settings, randomnessOf(scenario.seed, 'world'), (line) => at(`   ${line}`));
  const { clock, records } = cloud;
  const at = (line: string): void => say(`${clock.seconds().toFixed(1).padStart(9)} s  ${line}`);
  const striker = createStriker(scenario.faults, (fault: Fault) => at(`!! ${nameOf(fault)}`));
  let names = 0;
  const taskTokens = createTaskTokens(() => `token-${(names += 1)}`);
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
    suffix: () => String((names += 1)),
    edit: (_machine, definition) => definition,
    onEvent: (event, machine) => observe(run, event, machine, at),
    onEnded: async (arn) => noteEnding(run, arn, at),
  });
  const run: Run = { scenario, cloud, stepFunctions, striker, functionWorld, say: at };
  try {
    await clock.runUntil(furnish(run), RUN_SECONDS_MAX);
    await clock.runUntil(operate(run), RUN_SECONDS_MAX);
  } catch (error) {
    records.stuck = (error as Error).message;
  }
  return { ...run, fingerprint: () => JSON.stringify(stepFunctions.started.map(({ execution }) => execution.history)) };
}

function observe(run: Run, event: HistoryEvent, machine: MachineName, at: (line: string) => void): void {
  const { records } = run.cloud;
  const entered = event.stateEnteredEventDetails;
  if (entered) {
    at(`${machine}: ${entered.name}`);
    run.striker.visited.add(`${machine}.${entered.name}`);
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

async function noteEnding(run: Run, arn: string, at: (line: string) => void): Promise<void> {
  const { stepFunctions, cloud } = run;
  const found = stepFunctions.started.find(({ execution }) => execution.arn === arn);
  if (!found) return;
  const { status, error = '', cause = '' } = await found.execution.done;
  at(`${found.machine} ended as ${status} ${error} ${String(cause).slice(0, 300)}`);
  cloud.records.endings.push({
    ...{ atSeconds: cloud.clock.seconds(), machine: found.machine, execution: found.execution.name },
    ...{ status, error },
  });
}
