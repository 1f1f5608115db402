import {
  DescribeExecutionCommand,
  DescribeStateMachineForExecutionCommand,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { Json, StateMachine } from '../statemachine/asl.ts';

/** How an execution stands, without what it has done. */
export interface ExecutionStanding {
  /** The machine's name without that of the relay's stack: `cutover`. */
  machine: string;
  arn: string;
  name: string;
  status: ExecutionStatus;
  /** ISO 8601. */
  startedAt: string;
  /** ISO 8601; null while it runs. */
  stoppedAt: string | null;
  redrives: number;
  input: Json;
  output: Json;
  error: string | null;
  cause: string | null;
}

/** Everything that Step Functions knows of one execution: the audit. */
export interface ExecutionAudit extends ExecutionStanding {
  /** Oldest first, redrives included. */
  history: HistoryEvent[];
  /** The definition that this execution runs, which may be older than the deployed one; null where it is not known. */
  definition: StateMachine | null;
}

/** What stands in an execution's ARN: `arn:aws:states:<region>:<account>:execution:<stack>-<machine>:<name>`. */
export interface ExecutionArn {
  region: string;
  account: string;
  /** `<stack>-<machine>`. */
  stateMachineName: string;
  name: string;
}

/** Null for anything but the ARN of a Standard execution. */
export function parseExecutionArn(arn: string): ExecutionArn | null {
  const match = /^arn:[^:]+:states:([^:]+):(\d+):execution:([^:]+):([^:]+)$/.exec(arn);
  if (!match) return null;
  const [, region, account, stateMachineName, name] = match as unknown as [string, string, string, string, string];
  return { region, account, stateMachineName, name };
}

/** The machine of an execution, without the name of the relay's stack before it. */
export function machineOf(arn: string, relayStackName: string): string {
  const name = parseExecutionArn(arn)?.stateMachineName ?? arn;
  return name.startsWith(`${relayStackName}-`) ? name.slice(relayStackName.length + 1) : name;
}

/**
 * Reads all that Step Functions knows of an execution. Source: API reference, DescribeExecution, GetExecutionHistory and
 * DescribeStateMachineForExecution.
 *
 * @throws what the client throws, `ExecutionDoesNotExist` among it
 */
export async function readExecution(
  client: Pick<SFNClient, 'send'>,
  arn: string,
  relayStackName: string,
): Promise<ExecutionAudit> {
  const standing = await describeExecution(client, arn, relayStackName);
  const [history, definition] = await Promise.all([readHistory(client, arn), readDefinition(client, arn)]);
  return { ...standing, history, definition };
}

/** @throws what the client throws, `ExecutionDoesNotExist` among it */
export async function describeExecution(
  client: Pick<SFNClient, 'send'>,
  arn: string,
  relayStackName: string,
): Promise<ExecutionStanding> {
  const description = await client.send(new DescribeExecutionCommand({ executionArn: arn }));
  return {
    machine: machineOf(arn, relayStackName),
    arn,
    name: description.name ?? '',
    status: description.status ?? 'RUNNING',
    startedAt: (description.startDate ?? new Date(0)).toISOString(),
    stoppedAt: description.stopDate?.toISOString() ?? null,
    redrives: description.redriveCount ?? 0,
    input: parsed(description.input),
    output: parsed(description.output),
    error: description.error ?? null,
    cause: description.cause ?? null,
  };
}

/** The events of an execution, oldest first, redrives included; from a known event on, only those after it. */
export async function readHistory(
  client: Pick<SFNClient, 'send'>,
  executionArn: string,
  afterId = 0,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  // Newest first, so that whoever asks again and again needs no more pages than there is news.
  const reverseOrder = afterId > 0;
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, reverseOrder, ...(nextToken && { nextToken }) }),
    );
    const news = (page.events ?? []).filter(({ id = 0 }) => id > afterId);
    events.push(...news);
    nextToken = news.length < (page.events ?? []).length ? undefined : page.nextToken;
  } while (nextToken !== undefined);
  return reverseOrder ? events.reverse() : events;
}

/** A version that was deleted since has no definition any more; the history is worth reading all the same. */
async function readDefinition(client: Pick<SFNClient, 'send'>, executionArn: string): Promise<StateMachine | null> {
  try {
    const { definition } = await client.send(
      new DescribeStateMachineForExecutionCommand({ executionArn, includedData: 'ALL_DATA' }),
    );
    return parsed(definition) as StateMachine | null;
  } catch (error) {
    if ((error as Error).name === 'StateMachineDoesNotExist') return null;
    throw error;
  }
}

const parsed = (text: string | undefined): Json => (text === undefined ? null : (JSON.parse(text) as Json));
