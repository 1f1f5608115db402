import {
  type CloudFormationClient,
  DescribeStackResourcesCommand,
  type StackResource,
} from '@aws-sdk/client-cloudformation';
import { DescribeDBInstancesCommand, type RDSClient } from '@aws-sdk/client-rds';
import { Refused } from '../statemachine/errors.ts';
import type { Settings } from '../statemachine/settings.ts';

export interface RelayClients {
  cloudFormation: Pick<CloudFormationClient, 'send'>;
  rds: Pick<RDSClient, 'send'>;
}

/** Values of the stack's parameters, by their names. */
export type StackParameters = Record<'SubnetIds' | 'SecurityGroupId' | 'VpcId' | 'TargetResourceId', string>;

/**
 * Looks up in the relay's stack what the stack beside it has to know. `TargetResourceId` is `*` as long as `prepare` has
 * made no database.
 *
 * @throws Refused with every finding at once
 */
export async function resolveRelay(clients: RelayClients, settings: Settings): Promise<StackParameters> {
  const { names, stackName, region } = settings;
  const resources = await resourcesOf(clients.cloudFormation, settings);
  const findings: string[] = [];
  const idOf = (setting: string, logicalId: string, type: string): string => {
    const resource = resources.find(({ LogicalResourceId }) => LogicalResourceId === logicalId);
    const seen = resource === undefined ? 'no such resource' : `${resource.ResourceType}, ${resource.ResourceStatus}`;
    if (resource?.ResourceType === type && resource.PhysicalResourceId) return resource.PhysicalResourceId;
    findings.push(`  names.${setting} is ${logicalId}: the stack has ${seen}. Expected an ${type}.`);
    return '';
  };
  const parameters = {
    SubnetIds: names.subnets
      .map((logicalId, index) => idOf(`subnets[${index}]`, logicalId, 'AWS::EC2::Subnet'))
      .join(','),
    SecurityGroupId: idOf('securityGroup', names.securityGroup, 'AWS::EC2::SecurityGroup'),
    VpcId: idOf('vpc', names.vpc, 'AWS::EC2::VPC'),
  };
  if (findings.length > 0) {
    throw new Refused(
      `The stack ${stackName} in ${region} is not as the settings say:\n${findings.join('\n')}\nCorrect the settings under names.`,
    );
  }
  const database = resources.find(({ LogicalResourceId }) => LogicalResourceId === names.databaseInstance);
  return { ...parameters, TargetResourceId: await resourceIdOf(clients.rds, database) };
}

async function resourcesOf(
  cloudFormation: RelayClients['cloudFormation'],
  { stackName, region }: Settings,
): Promise<StackResource[]> {
  try {
    const { StackResources = [] } = await cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName: stackName }),
    );
    return StackResources;
  } catch (cause) {
    const { name, message } = cause as Error;
    if (name === 'ValidationError' && /does not exist/.test(message)) {
      throw new Refused(
        `There is no stack ${stackName} in ${region}. Expected the relay's own stack. Correct stackName and region in the settings, or sign in to its account.`,
        { cause },
      );
    }
    throw asRefusal(cause, region);
  }
}

/** The errors of a command line without valid credentials; anything else stays what it is. */
export function asRefusal(cause: unknown, region: string): unknown {
  const { name, message } = cause as Error;
  if (!/Credentials|ExpiredToken|UnrecognizedClient|InvalidClientTokenId|AccessDenied|TokenProvider/.test(name))
    return cause;
  return new Refused(
    `AWS does not let you in (${name}: ${message}). Expected credentials for ${region} that may read the relay's stack. Sign in, for example by "aws sso login" with AWS_PROFILE set, then repeat.`,
    { cause },
  );
}

async function resourceIdOf(rds: RelayClients['rds'], database: StackResource | undefined): Promise<string> {
  const DBInstanceIdentifier = database?.PhysicalResourceId;
  if (DBInstanceIdentifier === undefined) return '*';
  const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
  return DBInstances[0]?.DbiResourceId ?? '*';
}
