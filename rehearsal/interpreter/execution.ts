import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { Json, JsonObject, StateMachine } from '../../statemachine/asl.ts';
import type { Clock } from '../clock.ts';
import { runBranch } from './branch.ts';
import { ExecutionEnded, errorAndCause, StateFailure } from './failure.ts';
import { type EventDetails, HISTORY_EVENTS_MAX, History, type HistoryEvent } from './history.ts';
import type { Integration } from './integration.ts';
import { toPayload } from './payload-limit.ts';
import { type Position, startOf } from './position.ts';
import { createTaskTokens, type TaskTokens } from './task-tokens.ts';
import type { Run } from './visit.ts';

export { TaskFailure } from './failure.ts';
export type { HistoryEvent } from './history.ts';
export type { Integration, TaskCall } from './integration.ts';

export interface ExecutionOptions {
  machine: StateMachine;
  /** Its region and account also stand in the execution's own ARN. */
  stateMachineArn: string;
  name: string;
  input: Json;
  integration: Integration;
  clock: Clock;
  onEvent?: (event: HistoryEvent) => void;
  /** By which tasks that wait for a token are answered; without it nobody can answer them. */
  taskTokens?: TaskTokens;
  /** For jitter and `$random()`: numbers from 0 to below 1. */
  random?: () => number;
}

export interface ExecutionResult {
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  output?: Json;
  error?: string;
  cause?: string;
}

/** An execution, running or ended. */
export interface Execution {
  readonly arn: string;
  readonly name: string;
  /** Grows while the execution runs, redrives included. */
  readonly history: HistoryEvent[];
  /** The result of the newest run; a failed execution does not reject it. */
  readonly done: Promise<ExecutionResult>;
  readonly redriveCount: number;
  readonly status: ExecutionResult['status'] | 'RUNNING';
  /** Ends the run as ABORTED; does nothing when it has ended. */
  stop(error?: string, cause?: string): void;
  /** Goes on where the last run stopped. @throws Error while running, after success, and when the history is full */
  redrive(): void;
}

/**
 * Starts a state machine as a Standard workflow of Step Functions runs it, JSONata only.
 *
 * @throws StateFailure `States.DataLimitExceeded` when the input is above 256 KiB
 */
export function startExecution(options: ExecutionOptions): Execution {
  return new RunningExecution(options);
}

class RunningExecution implements Execution {
  readonly arn: string;
  readonly name: string;
  redriveCount = 0;
  done: Promise<ExecutionResult>;
  #options: ExecutionOptions;
  #input: Json;
  #startTime: Date;
  #history: History;
  #position: Position;
  #status: ExecutionResult['status'] | 'RUNNING' = 'RUNNING';
  #stopping = new AbortController();

  constructor(options: ExecutionOptions) {
    const { machine, stateMachineArn, name, clock, onEvent } = options;
    const { partition, region, account, machineName } = arnParts(stateMachineArn);
    const input = toPayload(options.input, 'The input of the execution');
    this.#options = options;
    this.name = name;
    this.arn = `arn:${partition}:states:${region}:${account}:execution:${machineName}:${name}`;
    this.#input = JSON.parse(input);
    this.#history = new History(clock, onEvent ?? (() => {}));
    this.#history.record('ExecutionStarted', 0, {
      executionStartedEventDetails: { input, roleArn: roleArn(stateMachineArn) },
    });
    this.#startTime = clock.now();
    // AWS gives the first state no previous event either.
    this.#position = startOf(machine.StartAt, this.#input, {}, 0);
    this.done = this.#run();
  }

  get status(): ExecutionResult['status'] | 'RUNNING' {
    return this.#status;
  }

  get history(): HistoryEvent[] {
    return this.#history.events;
  }

  stop(error?: string, cause?: string): void {
    this.#stopping.abort(new ExecutionEnded('ABORTED', error, cause));
  }

  redrive(): void {
    if (this.#status === 'RUNNING' || this.#status === 'SUCCEEDED') {
      throw new Error(`The execution ${this.name} is ${this.#status} and cannot be redriven.`);
    }
    if (this.#history.lastEventId >= HISTORY_EVENTS_MAX - 1) {
      throw new Error(
        `The execution ${this.name} has ${this.#history.lastEventId} history events and cannot be redriven; start a new one.`,
      );
    }
    this.#status = 'RUNNING';
    this.#stopping = new AbortController();
    this.redriveCount += 1;
    const event = this.#history.record('ExecutionRedriven', this.#history.lastEventId, {
      executionRedrivenEventDetails: { redriveCount: this.redriveCount },
    });
    this.#position.lastEventId = event.id as number;
    this.done = this.#run(event.timestamp);
  }

  async #run(redriveTime?: Date): Promise<ExecutionResult> {
    const { machine, clock } = this.#options;
    const stopping = this.#stopping;
    const cancelTimeout = clock.after(machine.TimeoutSeconds, () =>
      stopping.abort(new ExecutionEnded('TIMED_OUT', 'States.Timeout')),
    );
    // Whoever started or redrove the execution holds it before the first state runs.
    await Promise.resolve();
    try {
      const run = this.#sharedBy(redriveTime);
      const position = this.#position;
      const output = await runBranch({ run, states: machine.States, position, signal: stopping.signal });
      const text = JSON.stringify(output);
      this.#end('ExecutionSucceeded', position.lastEventId, { executionSucceededEventDetails: { output: text } });
      return this.#ended({ status: 'SUCCEEDED', output });
    } catch (thrown) {
      return this.#ended(this.#recordFailure(stopping.signal.aborted ? stopping.signal.reason : thrown));
    } finally {
      cancelTimeout();
    }
  }

  #recordFailure(thrown: unknown): ExecutionResult {
    if (thrown instanceof ExecutionEnded) {
      const details = errorAndCause(thrown);
      if (thrown.status === 'ABORTED') this.#end('ExecutionAborted', 0, { executionAbortedEventDetails: details });
      else this.#end('ExecutionTimedOut', 0, { executionTimedOutEventDetails: details });
      return { status: thrown.status, ...details };
    }
    const details = errorAndCause(
      thrown instanceof StateFailure ? thrown : new StateFailure('States.Runtime', String(thrown)),
    );
    this.#end('ExecutionFailed', this.#position.lastEventId, { executionFailedEventDetails: details });
    return { status: 'FAILED', ...details };
  }

  #end(type: HistoryEventType, previousEventId: number, details: EventDetails): void {
    this.#history.recordEnd(type, previousEventId, details);
  }

  #ended(result: ExecutionResult): ExecutionResult {
    this.#status = result.status;
    return result;
  }

  #sharedBy(redriveTime: Date | undefined): Run {
    const { clock, integration, random, stateMachineArn, taskTokens } = this.#options;
    const { region, machineName } = arnParts(stateMachineArn);
    const context: JsonObject = {
      Execution: {
        Id: this.arn,
        Input: this.#input,
        Name: this.name,
        RoleArn: roleArn(stateMachineArn),
        StartTime: this.#startTime.toISOString(),
        RedriveCount: this.redriveCount,
        ...(redriveTime && { RedriveTime: redriveTime.toISOString() }),
      },
      StateMachine: { Id: stateMachineArn, Name: machineName },
    };
    return {
      clock,
      history: this.#history,
      integration,
      random: random ?? Math.random,
      taskTokens: taskTokens ?? createTaskTokens(),
      region,
      context,
    };
  }
}

function arnParts(stateMachineArn: string) {
  const [, partition = '', , region = '', account = '', , machineName = ''] = stateMachineArn.split(':');
  return { partition, region, account, machineName };
}

/** No role is checked here; the ARN only has AWS's form. */
function roleArn(stateMachineArn: string): string {
  const { partition, account, machineName } = arnParts(stateMachineArn);
  return `arn:${partition}:iam::${account}:role/${machineName}`;
}
