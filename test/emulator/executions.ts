import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateStateMachineAliasCommand,
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  PublishStateMachineVersionCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';

const SECONDS_MAX = 150;
const POLL_MILLISECONDS = 200;

/** Publishes a version and gives the ARN of the alias that names it, as the stack does it where CloudFormation can. */
export async function publish(sfn: SFNClient, stateMachineArn: string): Promise<string> {
  const { stateMachineVersionArn } = await sfn.send(new PublishStateMachineVersionCommand({ stateMachineArn }));
  const routingConfiguration = [{ stateMachineVersionArn, weight: 100 }];
  const { stateMachineAliasArn } = await sfn.send(
    new CreateStateMachineAliasCommand({ name: 'live', routingConfiguration }),
  );
  return stateMachineAliasArn as string;
}

/** Starts an execution and waits for its end; `meanwhile` does what it waits for. */
export async function execute(
  sfn: SFNClient,
  stateMachineArn: string,
  name: string,
  { input = {}, meanwhile = async () => {} }: { input?: object; meanwhile?(executionArn: string): Promise<void> } = {},
): Promise<DescribeExecutionOutput> {
  const { executionArn = '' } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
  );
  await meanwhile(executionArn);
  return untilEnded(sfn, executionArn);
}

/** Waits until something else has started a machine so many times, and gives the executions in their order when they have ended. */
export async function startedElsewhere(
  sfn: SFNClient,
  stateMachineArn: string,
  count: number,
): Promise<DescribeExecutionOutput[]> {
  for (const deadline = Date.now() + SECONDS_MAX * 1_000; Date.now() < deadline; await pause(POLL_MILLISECONDS)) {
    const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn }));
    if (executions.length > count) throw new Error(`${stateMachineArn} was started ${executions.length} times.`);
    if (executions.length < count) continue;
    const ended = await Promise.all(executions.map(({ executionArn = '' }) => untilEnded(sfn, executionArn)));
    return ended.sort((one, other) => Number(one.startDate) - Number(other.startDate));
  }
  throw new Error(`${stateMachineArn} was not started ${count} times.`);
}

async function untilEnded(sfn: SFNClient, executionArn: string): Promise<DescribeExecutionOutput> {
  for (const deadline = Date.now() + SECONDS_MAX * 1_000; Date.now() < deadline; await pause(POLL_MILLISECONDS)) {
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    if (described.status !== 'RUNNING') return described;
  }
  throw new Error(`${executionArn} still runs, and stands at ${await lastState(sfn, executionArn)}.`);
}

async function lastState(sfn: SFNClient, executionArn: string): Promise<string> {
  const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }));
  const names = events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
  return names.at(-1) ?? 'no state';
}
