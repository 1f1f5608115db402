import { Duration, RemovalPolicy, type Stack, Validations } from 'aws-cdk-lib';
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Version } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  CfnStateMachineAlias,
  CfnStateMachineVersion,
  DefinitionBody,
  LogLevel,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import { FUNCTIONS, type FunctionName, functionPlaceholder, substitutionKey } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { type Grant, grantTo } from './grants.ts';
import type { MachinePlan } from './machines.ts';
import { passTaskRoles, passToTasks, relayArns } from './relay-arns.ts';

/** Executions are started by this alias; it moves to a new version with every deployment. */
export const ALIAS = 'live';

export interface Machine {
  name: string;
  start: string;
  /** Without a version: what EventBridge and CloudWatch call it, also for executions that the alias started. */
  machine: StateMachine;
  aliasArn: string;
}

/**
 * Pattern for the events of executions of some machines that end so. The `stateMachineArn` of such an event: The documentation shows it without a version; should it ever
 * come with the alias that the execution was started by, an ending must not go by unseen.
 */
export function endings(machines: Machine[], status: string[]): EventPattern {
  const stateMachineArn = machines.flatMap(({ machine }) => [
    machine.stateMachineArn,
    { prefix: `${machine.stateMachineArn}:` },
  ]);
  return {
    source: ['aws.states'],
    detailType: ['Step Functions Execution Status Change'],
    detail: { stateMachineArn, status },
  };
}

/** The very definition that the rehearsal interprets, with the ARNs of published function versions put in. */
export function createMachine(
  stack: Stack,
  settings: Settings,
  plan: MachinePlan,
  { functions, archiveRole }: { functions: Record<FunctionName, Version>; archiveRole: string },
): Machine {
  const { name } = plan;
  const text = JSON.stringify(plan.definition);
  const called = (Object.keys(FUNCTIONS) as FunctionName[]).filter((one) => text.includes(functionPlaceholder(one)));
  const role = new Role(stack, `${name}-machine-role`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  grantTo(role, [
    {
      actions: ['lambda:InvokeFunction'],
      resources: called.map((one) => ({
        arn: `${functions[one].lambda.functionArn}:*`,
        why: 'An execution that is redriven calls the versions of its own time',
      })),
    },
    ...ecsGrants(stack, settings, plan, text),
    // The task that archives the file system has a role of its own.
    ...(text.includes('"TaskRoleArn"') ? [passToTasks([archiveRole])] : []),
  ]);
  const machine = new StateMachine(stack, name, {
    stateMachineName: `${settings.stackName}-${name}`,
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(text),
    definitionSubstitutions: Object.fromEntries(
      called.map((one) => [substitutionKey(one), functions[one].functionArn]),
    ),
    role,
    timeout: Duration.seconds(settings.executionTimeoutSeconds),
    tracingEnabled: true,
    logs: {
      level: LogLevel.ALL,
      // Payloads stay in the execution's history, which is encrypted and ends after 90 days.
      includeExecutionData: false,
      destination: new LogGroup(stack, `${name}-machine-log`, {
        retention: RetentionDays.ONE_YEAR,
        removalPolicy: RemovalPolicy.RETAIN,
      }),
    },
  });
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'Log delivery and tracing know no resources (Step Functions developer guide, "Logging" and "X-Ray")',
  });
  return { name, start: plan.start, machine, aliasArn: publish(stack, name, machine) };
}

/** A version for each revision, which stays: an execution goes on with the definition that it was started with. */
function publish(stack: Stack, name: string, machine: StateMachine): string {
  const version = new CfnStateMachineVersion(stack, `${name}-version`, {
    stateMachineArn: machine.stateMachineArn,
    stateMachineRevisionId: machine.stateMachineRevisionId,
  });
  version.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const alias = new CfnStateMachineAlias(stack, `${name}-alias`, {
    name: ALIAS,
    routingConfiguration: [{ stateMachineVersionArn: version.attrArn, weight: 100 }],
  });
  return alias.attrArn;
}

/** Source of the `.sync` part: Step Functions developer guide, "IAM policies for calling Amazon ECS". */
function ecsGrants(stack: Stack, settings: Settings, { runs }: MachinePlan, definition: string): Grant[] {
  const arns = relayArns(stack, settings);
  const looks = definition.includes(':aws-sdk:ecs:describeServices"');
  return [
    ...(looks ? [{ actions: ['ecs:DescribeServices'], resources: [arns.service] }] : []),
    { actions: ['ecs:RunTask'], resources: runs.map((family) => arns[family]) },
    { actions: ['ecs:StopTask', 'ecs:DescribeTasks'], resources: [arns.tasks] },
    {
      actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
      resources: [arns.arn('events', 'rule/StepFunctionsGetEventsForECSTaskRule')],
    },
    passTaskRoles(arns),
  ];
}
