import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateActivityCommand,
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetActivityTaskCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { createClock } from '../../rehearsal/clock.ts';
import { startExecution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import { createTaskTokens } from '../../rehearsal/interpreter/task-tokens.ts';
import type { Json, StateMachine } from '../../statemachine/asl.ts';
import { DIFFERENCES } from './differences.ts';

/** What a task answers to its arguments, when it is called for the n-th time (from 0). */
export type Script = (taskArguments: Json, call: number) => { result: Json } | { error: string; cause: string };

export interface ParityCase {
  title: string;
  machine: StateMachine;
  /** Of the execution. */
  input: Json;
  script: Script;
}

export interface Outcome {
  status: string;
  output?: Json;
  error?: string;
  cause?: string;
  /** The arguments of every call that a task made. */
  calls: Json[];
}

const ACCOUNT = '000000000000';
/** The name of every execution: states make texts of it. */
const NAME = 'parity';

/** Runs a case in the interpreter of the rehearsal, whose waits take no time. */
export async function runInInterpreter(one: ParityCase, region: string): Promise<Outcome> {
  const calls: Json[] = [];
  const taskTokens = createTaskTokens();
  const execution = startExecution({
    machine: one.machine,
    stateMachineArn: `arn:aws:states:${region}:${ACCOUNT}:stateMachine:${NAME}`,
    name: NAME,
    input: one.input,
    clock: createClock({ speed: Number.POSITIVE_INFINITY }),
    taskTokens,
    integration: async (call) => {
      const answer = one.script(call.arguments, calls.push(call.arguments) - 1);
      const { Token } = (call.context.Task ?? {}) as { Token?: string };
      // On the emulator an activity's worker gives the answer itself.
      if (Token !== undefined && 'result' in answer) taskTokens.succeed(Token, answer.result);
      if ('error' in answer) throw new TaskFailure(answer.error, answer.cause);
      return answer.result;
    },
  });
  const { status, output, error, cause } = await execution.done;
  return outcomeOf({ status, output, error, cause, calls });
}

/**
 * Runs a case as an execution of the emulator. What the tasks call is an activity there, and this process its worker: so
 * their arguments can be seen, and they can be given any result and fail with any error.
 */
export async function runOnEmulator(one: ParityCase, sfn: SFNClient): Promise<Outcome> {
  const name = `${NAME}-${randomUUID()}`;
  const { activityArn } = await sfn.send(new CreateActivityCommand({ name }));
  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({
      name,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/parity`,
      definition: forEmulator(one.machine, activityArn as string),
    }),
  );
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, name: NAME, input: JSON.stringify(one.input) }),
  );
  const calls: Json[] = [];
  const over = new AbortController();
  const worker = work(one, sfn, activityArn as string, calls, over.signal);
  const ended = await untilEnded(sfn, executionArn as string).finally(() => over.abort());
  await worker;
  const { status, output, error, cause } = ended;
  return outcomeOf({
    status: status as string,
    output: status === 'SUCCEEDED' && output !== undefined ? JSON.parse(output) : undefined,
    error,
    cause,
    calls,
  });
}

function forEmulator(machine: StateMachine, activityArn: string): string {
  const bridged = DIFFERENCES.reduce((changed, { definition }) => definition?.(changed) ?? changed, machine);
  const text = JSON.stringify(bridged, (key, value) => (key === 'Resource' ? activityArn : value));
  // The activity's worker has the token; its context has none.
  return text.replaceAll('{% $states.context.Task.Token %}', '<a token>');
}

async function work(
  one: ParityCase,
  sfn: SFNClient,
  activityArn: string,
  calls: Json[],
  over: AbortSignal,
): Promise<void> {
  if (!JSON.stringify(one.machine).includes('"Resource"')) return;
  while (!over.aborted) {
    const asked = sfn.send(new GetActivityTaskCommand({ activityArn }), { abortSignal: over });
    const { taskToken, input } = await asked.catch((error) => {
      if (over.aborted) return { taskToken: undefined, input: undefined };
      throw error;
    });
    if (!taskToken || input === undefined) continue;
    const taskArguments = JSON.parse(input);
    const answer = one.script(taskArguments, calls.push(taskArguments) - 1);
    await ('error' in answer
      ? sfn.send(new SendTaskFailureCommand({ taskToken, error: answer.error, cause: answer.cause }))
      : sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(answer.result) })));
  }
}

async function untilEnded(sfn: SFNClient, executionArn: string) {
  for (;;) {
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    if (described.status !== 'RUNNING') return described;
    await pause(100);
  }
}

function outcomeOf({
  status,
  output,
  error,
  cause,
  calls,
}: { [name in keyof Outcome]: Outcome[name] | undefined }): Outcome {
  return {
    status: status as string,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    // Whether an empty one is there nobody can tell from the field.
    ...(cause !== undefined && cause !== '' && { cause }),
    calls: calls ?? [],
  };
}

/** Takes out what two runs cannot have in common: times of now, and how long something far off is away from now, and tokens. */
export function comparable(outcome: Outcome): Outcome {
  const year = new Date().getUTCFullYear();
  const years = `(${year - 1}|${year}|${year + 1})`;
  const text = DIFFERENCES.reduce(
    (changed, difference) => difference.outcome?.(changed) ?? changed,
    JSON.stringify(outcome),
  )
    .replace(new RegExp(`${years}-\\d\\d-\\d\\dT[0-9:.]+Z`, 'g'), '<now>')
    .replaceAll(new RegExp(`${NAME}-[0-9a-f-]{36}`, 'g'), NAME)
    .replace(/"token":"[0-9a-f-]{36}"/g, '"token":"<a token>"')
    .replace(/\b\d{9,10}\b/g, '<a span>');
  const told: Outcome = JSON.parse(text);
  // The iterations of a Map run side by side.
  return { ...told, calls: told.calls.map((call) => JSON.stringify(call)).sort() };
}
