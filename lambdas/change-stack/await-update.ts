import {
  type CloudFormationClient,
  DescribeStackEventsCommand,
  type Stack,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import { NotYet } from '../../statemachine/errors.ts';
import { StackUpdateFailed } from './errors.ts';
import type { ChangeStackDependencies, ChangeStackEvent } from './event.ts';
import { describeChangeSet, describeStack, withoutSecrets } from './stack.ts';

export interface UpdateResult {
  /** `unchanged`: there was nothing to execute. */
  status: 'complete' | 'unchanged';
  stackStatus: string;
  /** ISO 8601; empty for a stack that was never updated. */
  lastUpdatedTime: string;
  /** ARN of the change set that made the stack's last update; empty where there was none. */
  lastChangeSet: string;
}

/** Good ends of an update; a stack of which nothing was executed may also be as its creation or a rollback left it. */
const complete = ['UPDATE_COMPLETE', 'CREATE_COMPLETE', 'IMPORT_COMPLETE'];

/**
 * Says whether the update is done. Throws NotYet while CloudFormation works on it, a rollback and the cleanup included, so
 * that whatever comes next finds the stack at rest; StackUpdateFailed, with the first cause, when it ended badly.
 */
export async function awaitUpdate(
  { cloudFormation }: ChangeStackDependencies,
  event: ChangeStackEvent,
  changeSet: string,
): Promise<UpdateResult> {
  const stack = await describeStack(cloudFormation, event.stackName);
  const stackStatus = stack.StackStatus ?? '';
  const result = {
    stackStatus,
    lastUpdatedTime: stack.LastUpdatedTime?.toISOString() ?? '',
    lastChangeSet: stack.ChangeSetId ?? '',
  };
  if (stackStatus.endsWith('_IN_PROGRESS')) {
    throw new NotYet(`The stack ${event.stackName} is in ${stackStatus}. Expected it to come to rest; asking again.`);
  }
  if (event.outcome === 'empty') return { status: 'unchanged', ...result };
  if (stack.ChangeSetId !== changeSet) await assertNotOvertaken(cloudFormation, stack, event.stackName, changeSet);
  if (complete.includes(stackStatus)) return { status: 'complete', ...result };
  throw new StackUpdateFailed(
    `The update of the stack ${event.stackName} for "${event.purpose}" ended in ${stackStatus}: ${await firstCause(cloudFormation, event.stackName)} Expected UPDATE_COMPLETE. ${standing(stackStatus)}`,
  );
}

/** The stack names its new change set a moment after ExecuteChangeSet has answered; later, another name is another update. */
async function assertNotOvertaken(
  client: CloudFormationClient,
  stack: Stack,
  stackName: string,
  changeSet: string,
): Promise<void> {
  const { ExecutionStatus } = await describeChangeSet(client, stackName, changeSet);
  if (ExecutionStatus === 'EXECUTE_FAILED') return;
  if (ExecutionStatus === 'AVAILABLE' || ExecutionStatus === 'EXECUTE_IN_PROGRESS') {
    throw new NotYet(`The change set ${changeSet} is in ${ExecutionStatus}. Expected EXECUTE_COMPLETE; asking again.`);
  }
  throw new StackUpdateFailed(
    `The last update of the stack ${stackName} is not ours: it came from ${stack.ChangeSetId ?? 'an update without a change set'}, execution status of ours is ${ExecutionStatus}. Expected ${changeSet}. Keep others from updating the stack while a cutover runs.`,
  );
}

function standing(stackStatus: string): string {
  if (stackStatus === 'UPDATE_ROLLBACK_COMPLETE') {
    return 'CloudFormation has put the stack back as it was before this update.';
  }
  return 'The stack needs a hand: remove the cause, run continue-update-rollback, then redrive.';
}

async function firstCause(client: CloudFormationClient, stackName: string): Promise<string> {
  const events = await eventsOfLastUpdate(client, stackName);
  // A failure makes CloudFormation cancel what runs beside it; those cancelled ones are no cause.
  const failed = events.filter(
    ({ ResourceStatus = '', ResourceStatusReason = '' }) =>
      /^(CREATE|UPDATE|DELETE)_FAILED$/.test(ResourceStatus) &&
      !/^Resource (creation|update) cancelled/i.test(ResourceStatusReason),
  );
  const first = failed[0];
  if (first === undefined) {
    const cancelled = events.find(({ ResourceStatus }) => ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS');
    return `no resource is named as the cause; the stack says: ${withoutSecrets(cancelled?.ResourceStatusReason ?? 'nothing')}.`;
  }
  const reason = withoutSecrets(first.ResourceStatusReason ?? 'no reason given').replace(/\.?$/, '.');
  const breaker = /circuit breaker/i.test(reason)
    ? ' The circuit breaker of ECS stopped the deployment, because its tasks kept failing: their log and stopped reason say why.'
    : '';
  return `${first.LogicalResourceId} (${first.ResourceType}) ${first.ResourceStatus}: ${reason}${breaker}`;
}

/** Oldest first, from the last "User Initiated" on. CloudFormation answers newest first, in pages. */
async function eventsOfLastUpdate(client: CloudFormationClient, stackName: string): Promise<StackEvent[]> {
  const events: StackEvent[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new DescribeStackEventsCommand({ StackName: stackName, ...(token === undefined ? {} : { NextToken: token }) }),
    );
    for (const event of page.StackEvents ?? []) {
      events.unshift(event);
      const ofStack = event.PhysicalResourceId === event.StackId;
      if (ofStack && event.ResourceStatus === 'UPDATE_IN_PROGRESS') return events;
    }
    token = page.NextToken;
  } while (token !== undefined);
  return events;
}
