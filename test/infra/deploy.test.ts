import type { StackResource } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { deploy } from '../../infra/deploy.ts';
import { asRefusal } from '../../infra/resolve-relay.ts';
import { parseSettings } from '../../statemachine/settings.ts';

const settings = parseSettings();

function resource(LogicalResourceId: string, type: string, PhysicalResourceId: string): StackResource {
  return {
    LogicalResourceId,
    ResourceType: `AWS::${type}`,
    PhysicalResourceId,
    ResourceStatus: 'CREATE_COMPLETE',
    Timestamp: new Date(0),
  };
}

const NETWORK = [
  resource('VPC', 'EC2::VPC', 'vpc-1'),
  resource('PublicSubnet1', 'EC2::Subnet', 'subnet-1'),
  resource('PublicSubnet2', 'EC2::Subnet', 'subnet-2'),
  resource('ECSSecurityGroup', 'EC2::SecurityGroup', 'sg-1'),
];
const DATABASE = resource('RDSInstance', 'RDS::DBInstance', 'sphere-zooid-relay-db');

/** Deploys beside a stack of these resources; `error` is what CloudFormation answers instead. */
async function deployBeside(resources: StackResource[], { error, code = 0 }: { error?: Error; code?: number } = {}) {
  const asked: string[] = [];
  const run: string[][] = [];
  const said: string[] = [];
  let synthesized = 0;
  const answer = (answers: Record<string, object>) => ({
    send: async (command: { constructor: { name: string }; input: object }) => {
      asked.push(`${command.constructor.name} ${JSON.stringify(command.input)}`);
      if (error) throw error;
      return answers[command.constructor.name];
    },
  });
  const clients = {
    cloudFormation: answer({ DescribeStackResourcesCommand: { StackResources: resources } }),
    rds: answer({ DescribeDBInstancesCommand: { DBInstances: [{ DbiResourceId: 'db-ABC' }] } }),
  } as unknown as Parameters<typeof deploy>[0]['clients'];
  const result = await deploy(
    {
      clients,
      synthesize() {
        synthesized += 1;
      },
      runCdk: async (args) => {
        run.push(args);
        return code;
      },
      say: (line) => void said.push(line),
    },
    settings,
    ['--require-approval', 'never'],
  ).catch((caught: Error) => caught);
  return { result, asked, run, said, synthesized };
}

const OPTIONS = [
  'deploy',
  'sphere-zooid-relay-cutover',
  '--import-existing-resources',
  ...['--parameters', 'SubnetIds=subnet-1,subnet-2'],
  ...['--parameters', 'SecurityGroupId=sg-1'],
  ...['--parameters', 'VpcId=vpc-1'],
];

describe('a deployment', () => {
  it("hands what it finds in the relay's stack to the CDK, and takes over a lock table that was left", async () => {
    const { result, asked, run, said } = await deployBeside([...NETWORK, DATABASE]);
    expect(result).toBe(0);
    expect(asked).toEqual([
      'DescribeStackResourcesCommand {"StackName":"sphere-zooid-relay"}',
      'DescribeDBInstancesCommand {"DBInstanceIdentifier":"sphere-zooid-relay-db"}',
    ]);
    expect(run).toEqual([[...OPTIONS, '--parameters', 'TargetResourceId=db-ABC', '--require-approval', 'never']]);
    expect(said).toEqual([
      'SubnetIds: subnet-1,subnet-2',
      'SecurityGroupId: sg-1',
      'VpcId: vpc-1',
      'TargetResourceId: db-ABC',
    ]);
  });

  it('goes without a database before prepare, and says what is narrower after it', async () => {
    const { result, run, said } = await deployBeside(NETWORK);
    expect(result).toBe(0);
    expect(run[0]).toContain('TargetResourceId=*');
    expect(said.at(-1)).toBe(
      'There is no database yet, so the functions may sign in as the verifier to any instance that has this role. Run npm run deploy again after prepare: it narrows that to the one instance.',
    );
  });

  it('ends with the exit code of the CDK', async () => {
    const { result, said } = await deployBeside(NETWORK, { code: 1 });
    expect(result).toBe(1);
    expect(said.at(-1)).toBe('TargetResourceId: *');
  });

  it("names everything that the relay's stack has not, at once, and runs nothing", async () => {
    const { result, run, synthesized } = await deployBeside([
      resource('PublicSubnet1', 'EC2::Subnet', 'subnet-1'),
      resource('ECSSecurityGroup', 'EC2::SecurityGroupIngress', 'sgr-1'),
      resource('VPC', 'EC2::VPC', 'vpc-1'),
    ]);
    expect(result).toMatchObject({
      name: 'Refused',
      message: [
        'The stack sphere-zooid-relay in me-central-1 is not as the settings say:',
        '  names.subnets[1] is PublicSubnet2: the stack has no such resource. Expected an AWS::EC2::Subnet.',
        '  names.securityGroup is ECSSecurityGroup: the stack has AWS::EC2::SecurityGroupIngress, CREATE_COMPLETE. Expected an AWS::EC2::SecurityGroup.',
        'Correct the settings under names.',
      ].join('\n'),
    });
    expect([run, synthesized]).toEqual([[], 0]);
  });

  it('says that there is no such stack', async () => {
    const error = Object.assign(new Error('Stack with id sphere-zooid-relay does not exist'), {
      name: 'ValidationError',
    });
    const { result } = await deployBeside([], { error });
    expect(result).toMatchObject({
      name: 'Refused',
      message:
        "There is no stack sphere-zooid-relay in me-central-1. Expected the relay's own stack. Correct stackName and region in the settings, or sign in to its account.",
    });
  });

  it('says how to sign in when there are no credentials', async () => {
    const error = Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
    const { result } = await deployBeside([], { error });
    expect(result).toMatchObject({
      name: 'Refused',
      message:
        'AWS does not let you in (CredentialsProviderError: Could not load credentials from any providers). Expected credentials for me-central-1 that may read the relay\'s stack. Sign in, for example by "aws sso login" with AWS_PROFILE set, then repeat.',
    });
  });

  it('leaves every other error as it is', () => {
    const error = Object.assign(new Error('Rate exceeded'), { name: 'Throttling' });
    expect(asRefusal(error, 'me-central-1')).toBe(error);
  });
});
