import {
  CancelUpdateStackCommand,
  type ChangeSetSummary,
  type CloudFormationClient,
  DeleteChangeSetCommand,
  ListChangeSetsCommand,
} from '@aws-sdk/client-cloudformation';
import { NotYet } from '../../statemachine/errors.ts';
import type { ChangeStackDependencies } from './event.ts';
import { describeChangeSet, describeStack, isNamed } from './stack.ts';

export interface AtRest {
  stackStatus: string;
}

const OURS = 'relay-cutover-';

/**
 * Brings the stack to rest: change sets of ours that wait for their execution are removed, an update that is under way is
 * cancelled if it is one of ours, and anything else is waited for. Throws NotYet until then.
 */
export async function rest(
  { cloudFormation }: ChangeStackDependencies,
  { stackName }: { stackName: string },
): Promise<AtRest> {
  // Before the look at the stack: what is executed until then is seen there.
  await removeWaiting(cloudFormation, stackName);
  const { StackStatus: stackStatus = '', ChangeSetId = '' } = await describeStack(cloudFormation, stackName);
  // CloudFormation takes the call in this status only.
  if (stackStatus === 'UPDATE_IN_PROGRESS' && (await isOurs(cloudFormation, stackName, ChangeSetId))) {
    try {
      await cloudFormation.send(new CancelUpdateStackCommand({ StackName: stackName }));
    } catch (error) {
      // The update came to its end between the look and the call.
      if (!isNamed(error, 'ValidationError')) throw error;
    }
    throw new NotYet(
      `The update of the stack ${stackName} by ${ChangeSetId} is being cancelled. Expected the stack to come to rest; asking again.`,
    );
  }
  if (stackStatus.endsWith('_IN_PROGRESS')) {
    throw new NotYet(`The stack ${stackName} is in ${stackStatus}. Expected it to come to rest; asking again.`);
  }
  return { stackStatus };
}

/**
 * The function of an execution that somebody has stopped goes on, and may be about to execute a change set: it had the lock
 * when it looked. Of what is gone nothing can be executed, whenever it comes to that.
 */
async function removeWaiting(client: CloudFormationClient, stackName: string): Promise<void> {
  for (const { ChangeSetName } of await waiting(client, stackName)) {
    try {
      await client.send(new DeleteChangeSetCommand({ StackName: stackName, ChangeSetName }));
    } catch (error) {
      // It began a moment ago, or somebody else has removed it.
      if (!isNamed(error, 'InvalidChangeSetStatus') && !isNamed(error, 'ChangeSetNotFound')) throw error;
    }
  }
}

async function waiting(client: CloudFormationClient, stackName: string): Promise<ChangeSetSummary[]> {
  const found: ChangeSetSummary[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListChangeSetsCommand({ StackName: stackName, ...(token === undefined ? {} : { NextToken: token }) }),
    );
    found.push(...(page.Summaries ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return found.filter(
    ({ ChangeSetName = '', ExecutionStatus }) => ChangeSetName.startsWith(OURS) && ExecutionStatus === 'AVAILABLE',
  );
}

/** An update without a change set may leave the name of the last one standing, so the change set itself is asked too. */
async function isOurs(client: CloudFormationClient, stackName: string, changeSet: string): Promise<boolean> {
  if (!changeSet.includes(`:changeSet/${OURS}`)) return false;
  try {
    const { ExecutionStatus } = await describeChangeSet(client, stackName, changeSet);
    return ExecutionStatus === 'EXECUTE_IN_PROGRESS';
  } catch (error) {
    if (isNamed(error, 'ChangeSetObsolete')) return false;
    throw error;
  }
}
