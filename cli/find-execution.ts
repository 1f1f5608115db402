import type { ExecutionStatus, SFNClient } from '@aws-sdk/client-sfn';
import { machineOf, parseExecutionArn } from '../report/execution-audit.ts';
import { Refused } from '../statemachine/errors.ts';
import { MACHINE_NAMES, type MachineName } from '../statemachine/machine-names.ts';
import type { Cloud, DeployedStack } from './cloud.ts';

/** One execution, as lists of them tell it. */
export interface FoundExecution {
  machine: string;
  arn: string;
  name: string;
  status: ExecutionStatus;
  startedAt: Date;
  stoppedAt: Date | null;
  redrives: number;
}

/** What `[execution]` of a command may be, for its help. */
export const EXECUTION_ARGUMENT = `an execution's ARN or name, or a machine (${MACHINE_NAMES.join(', ')}) for its newest one`;

/** @param client what the commands ask Step Functions with */
export async function openStepFunctions({ client: configuration }: Cloud): Promise<SFNClient> {
  // Loaded on demand: commands without AWS need none of it.
  const { SFNClient: Client } = await import('@aws-sdk/client-sfn');
  return new Client(configuration);
}

/**
 * Finds the execution that a person means.
 *
 * @param text an ARN, a name, a machine's name, or nothing for the newest one
 * @param among the machines whose newest execution is meant by nothing
 * @throws Refused when there is no such execution; what the client throws
 */
export async function findExecution(
  client: Pick<SFNClient, 'send'>,
  { settings: { stackName } }: Cloud,
  deployed: DeployedStack,
  text?: string,
  among: readonly MachineName[] = MACHINE_NAMES,
): Promise<FoundExecution> {
  if (text?.startsWith('arn:'))
    return describe(client, arnOfExecution(text), stackName, `There is no execution ${text}.`);
  const isMachine = (MACHINE_NAMES as readonly string[]).includes(text ?? '');
  const machines = isMachine ? [text as MachineName] : among;
  if (text !== undefined && !isMachine) return byName(client, deployed, stackName, text);
  const newest = await newestOf(client, deployed, stackName, machines);
  if (newest) return newest;
  throw new Refused(
    `No execution of ${machines.join(', ')} is known in the account for the stack ${stackName}; Step Functions keeps them for 90 days. Start one with "relay-cutover ${machines[0] === 'cutover' ? 'start' : machines[0]}".`,
  );
}

/** The newest execution of each machine that has any, newest first. */
export async function newestExecutions(
  client: Pick<SFNClient, 'send'>,
  deployed: DeployedStack,
  stackName: string,
  machines: readonly MachineName[] = MACHINE_NAMES,
  /** How many of each. */
  maxResults = 1,
): Promise<FoundExecution[]> {
  const { ListExecutionsCommand } = await import('@aws-sdk/client-sfn');
  const lists = machines
    .filter((machine) => deployed.aliases.has(machine))
    .map(async (machine) => {
      // Those of every version and of those that were started by another alias.
      const stateMachineArn = stateMachineArnOf(deployed, machine);
      const { executions = [] } = await client.send(new ListExecutionsCommand({ stateMachineArn, maxResults }));
      return executions.map((one) => found({ ...one, redriveCount: one.redriveCount }, stackName));
    });
  return (await Promise.all(lists)).flat().sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
}

/** The machine itself, without the alias by which it is started. */
export function stateMachineArnOf({ aliases }: DeployedStack, machine: MachineName): string {
  return (aliases.get(machine) ?? '').split(':').slice(0, 7).join(':');
}

async function newestOf(
  client: Pick<SFNClient, 'send'>,
  deployed: DeployedStack,
  stackName: string,
  machines: readonly MachineName[],
): Promise<FoundExecution | undefined> {
  const newest = await newestExecutions(client, deployed, stackName, machines);
  return newest.find(({ status }) => status === 'RUNNING') ?? newest[0];
}

/** Executions of several machines may have one name; a running one is meant then, and else the newest. */
async function byName(
  client: Pick<SFNClient, 'send'>,
  deployed: DeployedStack,
  stackName: string,
  name: string,
): Promise<FoundExecution> {
  const asked = MACHINE_NAMES.filter((machine) => deployed.aliases.has(machine)).map((machine) => {
    const arn = `${stateMachineArnOf(deployed, machine).replace(':stateMachine:', ':execution:')}:${name}`;
    return describe(client, arn, stackName, '').catch((error: Error) => {
      if (error instanceof Refused || error.name === 'InvalidArn') return undefined;
      throw error;
    });
  });
  const executions = (await Promise.all(asked))
    .filter((one) => one !== undefined)
    .sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  const meant = executions.find(({ status }) => status === 'RUNNING') ?? executions[0];
  if (meant) return meant;
  throw new Refused(
    `There is no execution named "${name}" of the stack ${stackName}. Expected ${EXECUTION_ARGUMENT}. "relay-cutover status" lists the newest ones.`,
  );
}

async function describe(
  client: Pick<SFNClient, 'send'>,
  executionArn: string,
  stackName: string,
  absent: string,
): Promise<FoundExecution> {
  const { DescribeExecutionCommand } = await import('@aws-sdk/client-sfn');
  const description = await client.send(new DescribeExecutionCommand({ executionArn })).catch((cause: Error) => {
    if (cause.name !== 'ExecutionDoesNotExist') throw cause;
    throw new Refused(`${absent} Step Functions keeps executions for 90 days after their end.`, { cause });
  });
  return found(description, stackName);
}

/** @throws Refused for what is no ARN of an execution */
function arnOfExecution(text: string): string {
  if (parseExecutionArn(text)) return text;
  throw new Refused(
    `"${text}" is not the ARN of an execution. Expected arn:aws:states:<region>:<account>:execution:<machine>:<name>.`,
  );
}

function found(
  one: {
    executionArn?: string | undefined;
    name?: string | undefined;
    status?: ExecutionStatus | undefined;
    startDate?: Date | undefined;
    stopDate?: Date | undefined;
    redriveCount?: number | undefined;
  },
  stackName: string,
): FoundExecution {
  const arn = one.executionArn ?? '';
  return {
    machine: machineOf(arn, stackName),
    arn,
    name: one.name ?? '',
    status: one.status ?? 'RUNNING',
    startedAt: one.startDate ?? new Date(0),
    stoppedAt: one.stopDate ?? null,
    redrives: one.redriveCount ?? 0,
  };
}
