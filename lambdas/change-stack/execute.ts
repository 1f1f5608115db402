import { type CloudFormationClient, ExecuteChangeSetCommand } from '@aws-sdk/client-cloudformation';
import { NotYet } from '../../statemachine/errors.ts';
import { ChangeSetObsolete } from './errors.ts';
import type { ChangeStackDependencies, ChangeStackEvent } from './event.ts';
import { describeChangeSet, isNamed } from './stack.ts';

export interface Execution {
  outcome: 'ready' | 'empty';
  /** False where there was nothing to execute. */
  executed: boolean;
}

/**
 * Starts the execution of an inspected change set, once: a change set that is or was executing is left alone.
 * Throws ChangeSetObsolete when the stack has changed since the change set was made.
 */
export async function execute(
  { cloudFormation }: ChangeStackDependencies,
  event: ChangeStackEvent,
  changeSet: string,
): Promise<Execution> {
  if (event.outcome === 'empty') return { outcome: 'empty', executed: false };
  if (await isExecuted(cloudFormation, event.stackName, changeSet)) return { outcome: 'ready', executed: true };
  try {
    await cloudFormation.send(new ExecuteChangeSetCommand({ StackName: event.stackName, ChangeSetName: changeSet }));
  } catch (error) {
    // The answer to an earlier call may have been lost; then the change set itself says that it runs.
    const known = ['InvalidChangeSetStatus', 'ValidationError', 'ChangeSetNotFound'].some((name) =>
      isNamed(error, name),
    );
    if (!known) throw error;
    if (!(await isExecuted(cloudFormation, event.stackName, changeSet))) {
      throw new ChangeSetObsolete(
        `The change set ${changeSet} could not be executed: ${(error as Error).message} Expected the stack to be as it was when the change set was made. Begin again with a new change set.`,
        { cause: error },
      );
    }
  }
  return { outcome: 'ready', executed: true };
}

async function isExecuted(client: CloudFormationClient, stackName: string, changeSet: string): Promise<boolean> {
  const { Status, ExecutionStatus = 'UNAVAILABLE' } = await describeChangeSet(client, stackName, changeSet);
  if (ExecutionStatus.startsWith('EXECUTE_')) return true;
  if (Status === 'CREATE_PENDING' || Status === 'CREATE_IN_PROGRESS') {
    throw new NotYet(`The change set ${changeSet} is in ${Status}. Expected CREATE_COMPLETE; asking again.`);
  }
  if (ExecutionStatus === 'AVAILABLE') return false;
  throw new ChangeSetObsolete(
    `The change set ${changeSet} is in ${Status}, execution status ${ExecutionStatus}. Expected AVAILABLE. The stack has changed since: begin again with a new change set.`,
  );
}
