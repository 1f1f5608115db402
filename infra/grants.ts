import { Stack, Token, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';

/** An ARN; where it is wider than one thing, with the reason. */
export type Named = string | Wide;
export interface Wide {
  arn: string;
  why: string;
}

/** What somebody may do, on what, and under which conditions. */
export interface Grant {
  actions: string[];
  resources: Named[];
  conditions?: Record<string, Record<string, string | string[]>>;
}

/** For actions to which AWS lets nobody name a resource (Service Authorization Reference), or as the reason says. */
export function anything(why: string): Wide {
  return { arn: '*', why };
}

/** What CloudFormation does with the rights of the one who executes a change set. */
export const BY_CLOUDFORMATION: NonNullable<Grant['conditions']> = {
  'ForAnyValue:StringEquals': { 'aws:CalledVia': 'cloudformation.amazonaws.com' },
};

/**
 * Lets a role do what the grants say, and no more.
 *
 * @throws Error when a resource has a `*` and no reason for it
 */
export function grantTo(role: IRole, grants: Grant[]): void {
  for (const { actions, resources, conditions } of grants) {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions,
        resources: resources.map((one) => (typeof one === 'string' ? one : one.arn)),
        ...(conditions && { conditions }),
      }),
    );
    for (const one of resources) acknowledgeWidth(role, one, actions);
  }
}

function acknowledgeWidth(role: IRole, resource: Named, actions: string[]): void {
  const arn = typeof resource === 'string' ? resource : resource.arn;
  const flat = flattenCfnReference(Token.isUnresolved(arn) ? Stack.of(role).resolve(arn) : arn);
  if (!flat.includes('*')) return;
  if (typeof resource === 'string') {
    throw new Error(
      `The grant of ${actions.join(', ')} on ${flat} has a "*" and no reason. Expected named resources, or the reason why AWS allows none.`,
    );
  }
  // cdk-nag asks for every wildcard by itself, and names it by the flattened ARN.
  Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${flat}]`, reason: resource.why });
}
