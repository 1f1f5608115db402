import { fileURLToPath } from 'node:url';
import { Duration, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, type Version } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, type NodejsFunctionProps } from 'aws-cdk-lib/aws-lambda-nodejs';
import { FUNCTIONS, type FunctionName } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { type RelayParameters, relayArns } from './relay-stack.ts';

interface FunctionPlan {
  memoryMegabytes: number;
  timeoutSeconds: number;
  environment: Record<string, string>;
  grants: PolicyStatement[];
}

/** The functions and what each may do, side by side. The state machine calls published versions. */
export function createFunctions(
  stack: Stack,
  settings: Settings,
  relay: RelayParameters,
  locks: Table,
): Record<FunctionName, Version> {
  const plans = functionPlans(stack, settings, relay, locks);
  const network = importNetwork(stack, relay);
  const versions = (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => {
    const plan = plans[name];
    const inNetwork = FUNCTIONS[name].network === 'database' ? network : {};
    const lambda = new NodejsFunction(stack, name, {
      entry: fileURLToPath(new URL(`../lambdas/${name}.ts`, import.meta.url)),
      depsLockFilePath: fileURLToPath(new URL('../package-lock.json', import.meta.url)),
      description: FUNCTIONS[name].purpose,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: plan.memoryMegabytes,
      timeout: Duration.seconds(plan.timeoutSeconds),
      environment: plan.environment,
      // A held execution calls the versions of its own time, also after a newer one has been deployed.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      bundling: { target: 'node24', minify: false, sourceMap: true, externalModules: ['pg-native'] },
      ...inNetwork,
    });
    for (const grant of plan.grants) lambda.addToRolePolicy(grant);
    return [name, lambda.currentVersion] as const;
  });
  return Object.fromEntries(versions) as Record<FunctionName, Version>;
}

/** The functions that reach the database, and nothing else: the relay's subnets are public and have no NAT. */
function importNetwork(
  stack: Stack,
  relay: RelayParameters,
): Pick<NodejsFunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups' | 'allowPublicSubnet'> {
  const subnetIds = [0, 1].map((index) => Fn.select(index, relay.subnetIds));
  const vpc = Vpc.fromVpcAttributes(stack, 'RelayVpc', {
    // A function's VpcConfig names subnets and security groups only; CDK wants the id of the VPC and writes it nowhere.
    vpcId: 'vpc-of-the-relay',
    availabilityZones: [0, 1].map((index) => Fn.select(index, Fn.getAzs())),
    publicSubnetIds: subnetIds,
  });
  return {
    vpc,
    vpcSubnets: { subnets: vpc.publicSubnets },
    allowPublicSubnet: true,
    securityGroups: [
      SecurityGroup.fromSecurityGroupId(stack, 'RelaySecurityGroup', relay.securityGroupId, { mutable: false }),
    ],
  };
}

function functionPlans(
  stack: Stack,
  settings: Settings,
  relay: RelayParameters,
  locks: Table,
): Record<FunctionName, FunctionPlan> {
  const arns = relayArns(stack, settings);
  const readStack = (...actions: string[]): PolicyStatement =>
    new PolicyStatement({ actions: actions.map((action) => `cloudformation:${action}`), resources: [arns.stack] });
  const readService = new PolicyStatement({ actions: ['ecs:DescribeServices'], resources: [arns.service] });
  const readTasks = [
    new PolicyStatement({ actions: ['ecs:DescribeTasks'], resources: [arns.tasks] }),
    // ListTasks knows no resource but a container instance, which Fargate does not have; the cluster is a condition.
    new PolicyStatement({
      actions: ['ecs:ListTasks'],
      resources: ['*'],
      conditions: { ArnEquals: { 'ecs:cluster': arns.cluster } },
    }),
  ];
  // DescribeTaskDefinition knows no resources (Service Authorization Reference, Amazon ECS).
  const readTaskDefinitions = new PolicyStatement({ actions: ['ecs:DescribeTaskDefinition'], resources: ['*'] });
  const readLock = new PolicyStatement({ actions: ['dynamodb:GetItem'], resources: [locks.tableArn] });
  const signIn = new PolicyStatement({
    actions: ['rds-db:connect'],
    resources: [
      `arn:${stack.partition}:rds-db:${stack.region}:${stack.account}:dbuser:${relay.targetResourceId}/${settings.verifierRole}`,
    ],
  });
  const database = {
    environment: {
      TARGET_HOST: relay.targetHost,
      TARGET_PORT: relay.targetPort,
      TARGET_DATABASE: relay.targetDatabase,
      VERIFIER_ROLE: settings.verifierRole,
    },
    grants: [signIn],
  };
  return {
    preflight: {
      memoryMegabytes: 256,
      timeoutSeconds: 60,
      environment: {},
      grants: [readStack('DescribeStacks', 'DescribeStackResources', 'GetTemplate'), readService, readTaskDefinitions],
    },
    'change-stack': {
      memoryMegabytes: 256,
      timeoutSeconds: 60,
      environment: { ARTEFACT_BUCKET: relay.artefactBucket, LOCK_TABLE: locks.tableName },
      grants: [readStack('DescribeStacks', 'GetTemplate'), readLock, ...changeStackGrants(stack, settings, relay)],
    },
    'scale-service': {
      memoryMegabytes: 256,
      timeoutSeconds: 60,
      environment: { LOCK_TABLE: locks.tableName },
      grants: [readLock, new PolicyStatement({ actions: ['ecs:UpdateService'], resources: [arns.service] })],
    },
    'assert-quiet': {
      memoryMegabytes: 256,
      timeoutSeconds: 60,
      environment: { LOCK_TABLE: locks.tableName },
      grants: [
        readStack('DescribeStacks'),
        readLock,
        ...readTasks,
        new PolicyStatement({ actions: ['ecs:StopTask'], resources: [arns.tasks] }),
      ],
    },
    'execution-lock': {
      memoryMegabytes: 256,
      timeoutSeconds: 60,
      environment: { LOCK_TABLE: locks.tableName },
      grants: [
        readLock,
        new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [locks.tableArn] }),
        new PolicyStatement({ actions: ['states:DescribeExecution'], resources: arns.executions }),
      ],
    },
    'health-check': { memoryMegabytes: 256, timeoutSeconds: 60, environment: {}, grants: [readService, ...readTasks] },
    authority: { memoryMegabytes: 256, timeoutSeconds: 60, ...database },
    'read-manifest': { memoryMegabytes: 256, timeoutSeconds: 60, ...database },
    'verify-counts': { memoryMegabytes: 1024, timeoutSeconds: settings.verifyTimeoutSeconds, ...database },
  };
}

/** Without a role of its own CloudFormation acts with the rights of the caller, so what an update does stands here too. */
function changeStackGrants(stack: Stack, settings: Settings, relay: RelayParameters): PolicyStatement[] {
  const arns = relayArns(stack, settings);
  return [
    new PolicyStatement({
      actions: [
        'cloudformation:CreateChangeSet',
        'cloudformation:DescribeChangeSet',
        'cloudformation:DeleteChangeSet',
        'cloudformation:ExecuteChangeSet',
        'cloudformation:CancelUpdateStack',
        'cloudformation:DescribeStackEvents',
      ],
      resources: [arns.stack],
    }),
    new PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [`arn:${stack.partition}:s3:::${relay.artefactBucket}/${settings.stackName}/*`],
    }),
    // Without it S3 answers "access denied" where it means that a key is not there yet (S3 API reference, GetObject).
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [`arn:${stack.partition}:s3:::${relay.artefactBucket}`],
      conditions: { StringLike: { 's3:prefix': `${settings.stackName}/*` } },
    }),
    new PolicyStatement({ actions: ['ecs:UpdateService', 'ecs:DescribeServices'], resources: [arns.service] }),
    new PolicyStatement({ actions: ['ecs:RegisterTaskDefinition'], resources: [arns.taskDefinitions] }),
    // Neither of the two knows resources (Service Authorization Reference, Amazon ECS).
    new PolicyStatement({ actions: ['ecs:DeregisterTaskDefinition', 'ecs:DescribeTaskDefinition'], resources: ['*'] }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [arns.roles],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  ];
}
