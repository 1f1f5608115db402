import {
  type CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { DescribeExecutionCommand, ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { Refused } from '../statemachine/errors.ts';
import type { Settings } from '../statemachine/settings.ts';
import { cutoverStackName } from './cutover-stack.ts';
import { lockTableName } from './lock-table.ts';

export interface DestroyClients {
  cloudFormation: Pick<CloudFormationClient, 'send'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  locks: Pick<DynamoDBDocumentClient, 'send'>;
  ec2: Pick<EC2Client, 'send'>;
}

/** Of the lock, what says whether its owner has come to its end. */
interface Lock {
  owner: string;
  released: boolean;
  held: { state: string; error: string } | null;
}

/**
 * Looks whether anybody still needs the stack.
 *
 * @returns sentences that its owner should read
 * @throws Refused with every finding at once
 */
export async function refuseWhileInUse(
  clients: DestroyClients,
  settings: Settings,
  { despiteLock }: { despiteLock: boolean },
): Promise<string[]> {
  const role = await roleOfRelay(clients, settings);
  const isOurs = role?.includes(`role/${cutoverStackName(settings)}-`) ?? false;
  const lock = await unreleasedLock(clients, settings);
  const findings = [
    ...(await runningExecutions(clients, settings)).map((arn) => `  The execution ${arn} runs. Wait for its end.`),
    ...(lock !== undefined && !despiteLock ? [`  ${lock} To give it up all the same, add --despite-lock.`] : []),
    ...(isOurs
      ? [
          `  The relay's stack acts by the role ${role}, which is a role of this stack: without it nobody could change the relay's stack. Give it another role by an update with --role-arn first.`,
        ]
      : []),
  ];
  if (findings.length > 0) {
    throw new Refused(`The stack ${cutoverStackName(settings)} is in use:\n${findings.join('\n')}`);
  }
  return role === undefined
    ? []
    : [`The relay's stack ${settings.stackName} acts by the role ${role}, which is none of this stack's: keep it.`];
}

async function runningExecutions(
  { cloudFormation, stepFunctions }: DestroyClients,
  settings: Settings,
): Promise<string[]> {
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: cutoverStackName(settings) }),
  );
  const machines = StackResources.filter(({ ResourceType }) => ResourceType === 'AWS::StepFunctions::StateMachine');
  const running = await Promise.all(
    machines.map(async ({ PhysicalResourceId: stateMachineArn }) => {
      const { executions = [] } = await stepFunctions.send(
        new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' }),
      );
      return executions.map(({ executionArn = '' }) => executionArn);
    }),
  );
  return running.flat();
}

/** A sentence about an execution that has ended without giving its lock back; none where it succeeded all the same. */
async function unreleasedLock(
  { locks, stepFunctions }: DestroyClients,
  settings: Settings,
): Promise<string | undefined> {
  const { Item } = await locks.send(
    new GetCommand({
      TableName: lockTableName(cutoverStackName(settings)),
      Key: { stackName: settings.stackName },
      ConsistentRead: true,
    }),
  );
  const lock = Item as Lock | undefined;
  if (lock === undefined || lock.released) return undefined;
  if (lock.held !== null) {
    return `The execution ${lock.owner} is held at ${lock.held.state} (${lock.held.error}). Redrive it, or start restore with {"takeOver": true}.`;
  }
  const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn: lock.owner }));
  if (status === 'SUCCEEDED') return undefined;
  return `The execution ${lock.owner} is ${status} and has not given its lock back. See how the relay stands, then start restore with {"takeOver": true}.`;
}

/** A role that a change set came with acts in every later change of that stack. */
async function roleOfRelay(clients: DestroyClients, { stackName }: Settings): Promise<string | undefined> {
  // Without the relay's stack nobody needs a role for it.
  return (await stackNamed(clients, stackName))?.RoleARN;
}

/** A stack by its name or its id; undefined where there is none. */
export async function stackNamed({ cloudFormation }: DestroyClients, stackName: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
    return Stacks[0];
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'ValidationError' && /does not exist/.test(message)) return undefined;
    throw error;
  }
}
