import { GetStackPolicyCommand, SetStackPolicyCommand } from '@aws-sdk/client-cloudformation';
import { Refused } from '../../statemachine/errors.ts';
import type { ChangeStackDependencies, ProtectStackEvent } from './event.ts';

export interface Protection {
  /** Logical ids of what no update may delete or replace. */
  protected: string[];
}

interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Principal: '*';
  Resource: string | string[];
}

/**
 * Sets a stack policy that denies updates which would delete or replace the database or its secrets; what another policy
 * of the stack says stays. Source: CloudFormation user guide, "Prevent updates to stack resources": what no statement
 * allows is denied, and a Deny overrules an Allow.
 *
 * Throws Refused when the policy that is there cannot be read.
 */
export async function protect(
  { cloudFormation }: Pick<ChangeStackDependencies, 'cloudFormation'>,
  { stackName, names }: ProtectStackEvent,
): Promise<Protection> {
  const logicalIds = [names.databaseInstance, names.databasePassword, names.databaseUrlSecret];
  const denial: Statement = {
    Effect: 'Deny',
    Action: ['Update:Delete', 'Update:Replace'],
    Principal: '*',
    Resource: logicalIds.map((logicalId) => `LogicalResourceId/${logicalId}`),
  };
  const { StackPolicyBody } = await cloudFormation.send(new GetStackPolicyCommand({ StackName: stackName }));
  const present = StackPolicyBody === undefined ? allowingAll() : statementsOf(StackPolicyBody, stackName);
  if (!present.some((statement) => JSON.stringify(statement) === JSON.stringify(denial))) {
    const policy = JSON.stringify({ Statement: [...present, denial] });
    await cloudFormation.send(new SetStackPolicyCommand({ StackName: stackName, StackPolicyBody: policy }));
  }
  return { protected: logicalIds };
}

function allowingAll(): Statement[] {
  return [{ Effect: 'Allow', Action: 'Update:*', Principal: '*', Resource: '*' }];
}

function statementsOf(body: string, stackName: string): Statement[] {
  try {
    const { Statement: statements } = JSON.parse(body) as { Statement: Statement | Statement[] };
    return [statements].flat();
  } catch (cause) {
    throw new Refused(
      `The policy of the stack ${stackName} is no JSON with statements. Expected what CloudFormation documents. Repair it with set-stack-policy, then start again.`,
      { cause },
    );
  }
}
