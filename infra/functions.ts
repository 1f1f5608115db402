import { Duration, Fn, RemovalPolicy, type Stack, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime, type Version } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, type NodejsFunctionProps } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { FUNCTIONS, type FunctionName, type StandingFunctionName } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { bundleOf } from './bundles.ts';
import { type FunctionPlan, functionPlans, type Surroundings } from './function-plans.ts';
import { anything, grantTo } from './grants.ts';
import type { RelayParameters } from './relay-arns.ts';

type Network = Pick<NodejsFunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups' | 'allowPublicSubnet'>;

/** The functions that the state machines call, by published versions. */
export function createFunctions(stack: Stack, surroundings: Surroundings): Record<FunctionName, Version> {
  const plans = functionPlans(stack, surroundings);
  const network = importNetwork(stack, surroundings.settings, surroundings.relay);
  const versions = (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => {
    const isInNetwork = FUNCTIONS[name].network === 'database';
    const lambda = createFunction(stack, name, FUNCTIONS[name].purpose, plans[name], isInNetwork ? network : undefined);
    return [name, lambda.currentVersion] as const;
  });
  return Object.fromEntries(versions) as Record<FunctionName, Version>;
}

/** A function by the name of its handler's file, with a role and a log of its own. */
export function createFunction(
  stack: Stack,
  name: FunctionName | StandingFunctionName,
  purpose: string,
  plan: FunctionPlan,
  network?: Network,
): NodejsFunction {
  const logGroup = new LogGroup(stack, `${name}-log`, {
    retention: RetentionDays.ONE_YEAR,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const role = createRole(stack, name, purpose, logGroup);
  if (network) letLambdaMakeInterfaces(role);
  grantTo(role, plan.grants);
  return new NodejsFunction(stack, name, {
    ...(plan.functionName !== undefined && { functionName: plan.functionName }),
    code: bundleOf(stack, name),
    handler: 'index.handler',
    description: purpose,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: plan.memoryMegabytes,
    timeout: Duration.seconds(plan.timeoutSeconds),
    environment: { NODE_OPTIONS: '--enable-source-maps', ...plan.environment },
    role,
    logGroup,
    // A held execution calls the versions of its own time, also after a newer one has been deployed.
    currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    ...network,
  });
}

function createRole(stack: Stack, name: string, purpose: string, logGroup: LogGroup): Role {
  const role = new Role(stack, `${name}-role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: `The function that ${purpose}`,
  });
  grantTo(role, [
    {
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [{ arn: logGroup.logGroupArn, why: 'Lambda names the streams of a log group' }],
    },
  ]);
  return role;
}

/**
 * Lambda makes a function's network interfaces with the function's own role. The function itself may not.
 * Source: Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
 */
function letLambdaMakeInterfaces(role: Role): void {
  const actions = [
    'CreateNetworkInterface',
    'DescribeNetworkInterfaces',
    'DescribeSubnets',
    'DeleteNetworkInterface',
    'AssignPrivateIpAddresses',
    'UnassignPrivateIpAddresses',
  ].map((action) => `ec2:${action}`);
  grantTo(role, [
    {
      actions,
      resources: [anything('Lambda makes the interfaces before there is a function or an interface to name')],
    },
  ]);
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions,
      resources: ['*'],
      // Stands in every call of the function's own code, and in none of the service's.
      conditions: { Null: { 'lambda:SourceFunctionArn': 'false' } },
    }),
  );
}

/** The functions that reach the database, and nothing else: the relay's subnets are public and have no NAT. */
function importNetwork(stack: Stack, { names }: Settings, relay: RelayParameters): Network {
  const subnetIds = names.subnets.map((_, index) => Fn.select(index, relay.subnetIds));
  const vpc = Vpc.fromVpcAttributes(stack, 'RelayVpc', {
    // A function's VpcConfig names subnets and security groups only; CDK wants the id of the VPC and writes it nowhere.
    vpcId: 'vpc-of-the-relay',
    availabilityZones: names.subnets.map((_, index) => Fn.select(index, Fn.getAzs())),
    publicSubnetIds: subnetIds,
  });
  for (const subnet of vpc.publicSubnets) {
    Validations.of(subnet).acknowledge({
      id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
      reason: "The route tables are the relay's own, and nothing here asks for them",
    });
  }
  return {
    vpc,
    vpcSubnets: { subnets: vpc.publicSubnets },
    allowPublicSubnet: true,
    securityGroups: [
      SecurityGroup.fromSecurityGroupId(stack, 'RelaySecurityGroup', relay.securityGroupId, { mutable: false }),
    ],
  };
}
