import { setTimeout as pause } from 'node:timers/promises';
import {
  type CloudFormationClient,
  CreateChangeSetCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';

const SECONDS_MAX = 60;

/**
 * Creates a stack as a person would, by a change set.
 *
 * @param template its text, or the URL where it lies
 * @throws Error with the reasons of the resources that failed
 */
export async function createStack(
  cloudFormation: CloudFormationClient,
  stackName: string,
  template: { TemplateBody: string } | { TemplateURL: string },
  parameters: Record<string, string>,
): Promise<Stack> {
  const named = { StackName: stackName, ChangeSetName: 'create' };
  await cloudFormation.send(
    new CreateChangeSetCommand({
      ...named,
      ...template,
      ChangeSetType: 'CREATE',
      Capabilities: ['CAPABILITY_IAM'],
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
    }),
  );
  const changeSet = await until(
    () => cloudFormation.send(new DescribeChangeSetCommand(named)),
    ({ Status }) => Status === 'CREATE_COMPLETE' || Status === 'FAILED',
  );
  if (changeSet.Status === 'FAILED')
    throw new Error(`The change set of ${stackName} failed: ${changeSet.StatusReason}`);
  await cloudFormation.send(new ExecuteChangeSetCommand(named));
  const stack = await until(
    () => describeStack(cloudFormation, stackName),
    ({ StackStatus = '' }) => !/IN_PROGRESS$/.test(StackStatus),
  );
  if (stack.StackStatus !== 'CREATE_COMPLETE') {
    throw new Error(`${stackName} is ${stack.StackStatus}:\n${await reasons(cloudFormation, stackName)}`);
  }
  return stack;
}

export async function describeStack(cloudFormation: CloudFormationClient, stackName: string): Promise<Stack> {
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
  return Stacks[0] as Stack;
}

export function outputsOf({ Outputs = [] }: Stack): Record<string, string> {
  return Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}

/** Gives a function that knows the physical id of every resource of a stack. @throws Error for one that is not there */
export async function idsIn(
  cloudFormation: CloudFormationClient,
  stackName: string,
): Promise<(logicalId: string) => string> {
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stackName }),
  );
  return (logicalId) => {
    const found = StackResources.find(({ LogicalResourceId }) => LogicalResourceId === logicalId);
    if (!found?.PhysicalResourceId) throw new Error(`The stack ${stackName} has no ${logicalId}.`);
    return found.PhysicalResourceId;
  };
}

async function reasons(cloudFormation: CloudFormationClient, stackName: string): Promise<string> {
  const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName: stackName }));
  return StackEvents.filter(({ ResourceStatus = '' }) => ResourceStatus.endsWith('FAILED'))
    .map(({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`)
    .join('\n');
}

async function until<T>(ask: () => Promise<T>, isOver: (answer: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + SECONDS_MAX * 1000; ; ) {
    const answer = await ask();
    if (isOver(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`The stack was not ready after ${SECONDS_MAX} s.`);
    await pause(100);
  }
}
