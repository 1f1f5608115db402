import {
  type CloudFormationClient,
  DescribeChangeSetCommand,
  type DescribeChangeSetOutput,
  DescribeStacksCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { Refused } from '../../statemachine/errors.ts';
import { ChangeSetObsolete } from './errors.ts';

/** The statuses in which CloudFormation takes a new change. */
export const UPDATABLE = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE'];

/** Reads one stack. Throws Refused when there is none of that name. */
export async function describeStack(client: CloudFormationClient, stackName: string): Promise<Stack> {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    if (Stacks?.[0] !== undefined) return Stacks[0];
  } catch (error) {
    if (!(isNamed(error, 'ValidationError') && error.message.includes('does not exist'))) throw error;
  }
  throw new Refused(
    `There is no stack ${stackName}. Expected the stack that runs the relay. Check the stack's name and the region in the settings.`,
  );
}

/** Reads a change set with the changes of all its pages. Throws ChangeSetObsolete when it is gone. */
export async function describeChangeSet(
  client: CloudFormationClient,
  stackName: string,
  changeSet: string,
): Promise<DescribeChangeSetOutput> {
  const page = (token: string | undefined) =>
    client.send(
      new DescribeChangeSetCommand({
        StackName: stackName,
        ChangeSetName: changeSet,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
  try {
    const whole = await page(undefined);
    const changes = [...(whole.Changes ?? [])];
    for (let token = whole.NextToken; token !== undefined; ) {
      const next = await page(token);
      changes.push(...(next.Changes ?? []));
      token = next.NextToken;
    }
    return { ...whole, Changes: changes };
  } catch (error) {
    if (!isNamed(error, 'ChangeSetNotFound')) throw error;
    throw new ChangeSetObsolete(
      `The change set ${changeSet} of the stack ${stackName} is gone. Expected it to wait for its execution. Another update has removed it: begin again with a new change set.`,
      { cause: error },
    );
  }
}

/** The service's error code has no suffix, the SDK's class has `Exception`; both mean the same. */
export function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && (error.name === name || error.name === `${name}Exception`);
}

/** A reason from CloudFormation may repeat a property; a URL with a password is not to reach the history. */
export function withoutSecrets(text: string): string {
  return text.replace(/:\/\/[^\s/@]+@/g, '://****@');
}
