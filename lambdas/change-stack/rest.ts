import { CancelUpdateStackCommand, type CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { NotYet } from '../../statemachine/errors.ts';
import type { ChangeStackDependencies } from './event.ts';
import { describeChangeSet, describeStack, isNamed } from './stack.ts';

export interface AtRest {
  stackStatus: string;
}

/**
 * Brings the stack to rest: an update that is under way is cancelled if it is one of ours, and anything else is waited for.
 * Throws NotYet until then.
 */
export async function rest(
  { cloudFormation }: ChangeStackDependencies,
  { stackName }: { stackName: string },
): Promise<AtRest> {
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

/** An update without a change set may leave the name of the last one standing, so the change set itself is asked too. */
async function isOurs(client: CloudFormationClient, stackName: string, changeSet: string): Promise<boolean> {
  if (!/:changeSet\/relay-cutover-/.test(changeSet)) return false;
  try {
    const { ExecutionStatus } = await describeChangeSet(client, stackName, changeSet);
    return ExecutionStatus === 'EXECUTE_IN_PROGRESS';
  } catch (error) {
    if (isNamed(error, 'ChangeSetObsolete')) return false;
    throw error;
  }
}
