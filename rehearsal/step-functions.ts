import { randomUUID } from 'node:crypto';
import type { ExecutionDescription } from '../lambdas/execution-lock/executions.ts';
import type { Json, StateMachine } from '../statemachine/asl.ts';
import { withFunctions } from '../statemachine/definition.ts';
import type { MachineName } from '../statemachine/machine-names.ts';
import { MACHINES } from '../statemachine/machines.ts';
import type { Settings } from '../statemachine/settings.ts';
import type { Clock } from './clock.ts';
import { type Execution, type HistoryEvent, type Integration, startExecution } from './interpreter/execution.ts';
import type { TaskTokens } from './interpreter/task-tokens.ts';
import { ACCOUNT_ID, functionArn } from './names.ts';

export type { MachineName };

export interface StartedExecution {
  machine: MachineName;
  execution: Execution;
  /** What it runs, with what a fault may have changed. */
  definition: StateMachine;
}

/** The state machines of the stack and the rule between them, in this process. */
export interface LocalStepFunctions {
  /** Everything that was started, oldest first, what the rule started included. */
  readonly started: StartedExecution[];
  /** Those of one machine. */
  ofMachine(machine: MachineName): StartedExecution[];
  start(machine: MachineName, input: Json): Execution;
  redrive(execution: Execution): void;
  /** The status of an execution by its ARN, as DescribeExecution tells it. Rejects with ExecutionDoesNotExist. */
  describe(arn: string): Promise<ExecutionDescription>;
  /** Waits until nothing runs any more, what the rule starts included. */
  settled(): Promise<void>;
  /** Ends everything as ABORTED, and lets the rule start nothing more. */
  stopAll(error: string, cause: string): void;
}

export interface StepFunctionsOptions {
  settings: Settings;
  clock: Clock;
  integration: Integration;
  /** By which tasks that wait for a person are answered. */
  taskTokens?: TaskTokens;
  /** For jitter: numbers from 0 to below 1. */
  random?: () => number;
  /** What tells the names of executions apart. */
  suffix?: () => string;
  /** Changes the definition of a machine before it is interpreted. */
  edit?(machine: MachineName, definition: StateMachine): StateMachine;
  /** Definitions that are at hand, with the functions' ARNs; else they are made for each execution. */
  definitionOf?(machine: MachineName): StateMachine;
  onEvent(event: HistoryEvent, machine: MachineName): void;
  /** The other rule of the stack: called at the end of every execution, also after a redrive; never rejects. */
  onEnded?(executionArn: string): Promise<void>;
}

/** A machine's definition with the ARNs of the functions of this process. */
export function localDefinition(machine: MachineName, settings: Settings): StateMachine {
  return withFunctions(MACHINES[machine](settings), (name) => functionArn(settings.region, name));
}

/** Machines with a write stop. */
const STOPPING: MachineName[] = ['cutover', 'rollback'];

/** With the EventBridge rules of the stack: a cutover or rollback that FAILED, TIMED_OUT or was ABORTED starts `restore`. */
export function createStepFunctions(options: StepFunctionsOptions): LocalStepFunctions {
  const { settings, clock, integration, taskTokens, onEvent, random, suffix = randomUUID } = options;
  const { region, stackName } = settings;
  const started: StartedExecution[] = [];
  const running = new Set<Promise<void>>();
  let ruleActs = true;

  const follow = ({ machine, execution }: StartedExecution): void => {
    const over = execution.done.then(async ({ status }) => {
      if (STOPPING.includes(machine) && status !== 'SUCCEEDED' && ruleActs)
        start('restore', { execution: execution.arn });
      await options.onEnded?.(execution.arn);
      running.delete(over);
    });
    running.add(over);
  };

  const start = (machine: MachineName, input: Json): Execution => {
    const made = options.definitionOf?.(machine) ?? localDefinition(machine, settings);
    const definition = options.edit?.(machine, made) ?? made;
    const execution = startExecution({
      machine: definition,
      stateMachineArn: `arn:aws:states:${region}:${ACCOUNT_ID}:stateMachine:${stackName}-${machine}`,
      name: `${machine}-${suffix()}`,
      input,
      integration,
      ...(taskTokens && { taskTokens }),
      ...(random && { random }),
      clock,
      onEvent: (event) => onEvent(event, machine),
    });
    const one = { machine, execution, definition };
    started.push(one);
    follow(one);
    return execution;
  };

  return {
    started,
    ofMachine: (machine) => started.filter((one) => one.machine === machine),
    start,
    redrive(execution) {
      execution.redrive();
      follow(started.find((one) => one.execution === execution) as StartedExecution);
    },
    async describe(arn) {
      const found = started.find(({ execution }) => execution.arn === arn);
      if (!found)
        throw Object.assign(new Error(`Execution Does Not Exist: '${arn}'`), { name: 'ExecutionDoesNotExist' });
      const { status } = found.execution;
      if (status === 'RUNNING') return { status };
      const { error, cause } = await found.execution.done;
      return { status, error, cause };
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
    stopAll(error, cause) {
      ruleActs = false;
      for (const { execution } of started) execution.stop(error, cause);
    },
  };
}
