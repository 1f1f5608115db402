import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Version } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { cutoverMachine } from '../statemachine/cutover/cutover.ts';
import { FUNCTIONS, type FunctionName, substitutionKey } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { relayArns } from './relay-stack.ts';

/** The very definition that the rehearsal interprets, with the ARNs of published function versions put in. */
export function createCutover(
  stack: Stack,
  settings: Settings,
  functions: Record<FunctionName, Version>,
): StateMachine {
  const machine = new StateMachine(stack, 'cutover', {
    stateMachineName: `${settings.stackName}-cutover`,
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(JSON.stringify(cutoverMachine(settings))),
    definitionSubstitutions: Object.fromEntries(
      (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => [substitutionKey(name), functions[name].functionArn]),
    ),
    timeout: Duration.seconds(settings.executionTimeoutSeconds),
    tracingEnabled: true,
    logs: {
      level: LogLevel.ALL,
      // Payloads stay in the execution's history, which is encrypted and ends after 90 days.
      includeExecutionData: false,
      destination: new LogGroup(stack, 'cutover-log', {
        retention: RetentionDays.ONE_YEAR,
        removalPolicy: RemovalPolicy.RETAIN,
      }),
    },
  });
  for (const version of Object.values(functions)) version.grantInvoke(machine);
  for (const statement of ecsGrants(stack, settings)) machine.addToRolePolicy(statement);
  return machine;
}

/** Source of the `.sync` part: Step Functions developer guide, "IAM policies for calling Amazon ECS". */
function ecsGrants(stack: Stack, settings: Settings): PolicyStatement[] {
  const arns = relayArns(stack, settings);
  const rule = `arn:${stack.partition}:events:${stack.region}:${stack.account}:rule/StepFunctionsGetEventsForECSTaskRule`;
  return [
    new PolicyStatement({ actions: ['ecs:UpdateService', 'ecs:DescribeServices'], resources: [arns.service] }),
    new PolicyStatement({ actions: ['ecs:RunTask'], resources: [arns.migrationTaskDefinition] }),
    new PolicyStatement({ actions: ['ecs:StopTask', 'ecs:DescribeTasks'], resources: [arns.tasks] }),
    new PolicyStatement({ actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], resources: [rule] }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [arns.roles],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  ];
}
