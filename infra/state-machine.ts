import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Version } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { StateMachine as Definition } from '../statemachine/asl.ts';
import { cutoverMachine } from '../statemachine/cutover/cutover.ts';
import { FUNCTIONS, type FunctionName, functionPlaceholder, substitutionKey } from '../statemachine/functions.ts';
import { restoreMachine } from '../statemachine/restore/restore.ts';
import type { Settings } from '../statemachine/settings.ts';
import { relayArns } from './relay-stack.ts';

type Functions = Record<FunctionName, Version>;

/** The machines of the cutover, and the rule that brings the old relay back when `cutover` ends without an ending of its own. */
export function createMachines(
  stack: Stack,
  settings: Settings,
  functions: Functions,
): { cutover: StateMachine; restore: StateMachine } {
  const arns = relayArns(stack, settings);
  const runTask = (...taskDefinitions: string[]): PolicyStatement =>
    new PolicyStatement({ actions: ['ecs:RunTask'], resources: taskDefinitions });
  const cutover = createMachine(stack, settings, 'cutover', cutoverMachine(settings), functions);
  cutover.addToRolePolicy(runTask(arns.migrationTaskDefinition, arns.rollbackTaskDefinition));
  const restore = createMachine(stack, settings, 'restore', restoreMachine(settings), functions);
  restore.addToRolePolicy(runTask(arns.rollbackTaskDefinition));
  new Rule(stack, 'restore-rule', {
    description: 'Starts restore when cutover has failed, timed out or was stopped; restore looks at the lock first',
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [cutover.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    },
    targets: [
      new SfnStateMachine(restore, {
        input: RuleTargetInput.fromObject({ execution: EventField.fromPath('$.detail.executionArn') }),
      }),
    ],
  });
  return { cutover, restore };
}

/** The very definition that the rehearsal interprets, with the ARNs of published function versions put in. */
function createMachine(
  stack: Stack,
  settings: Settings,
  name: 'cutover' | 'restore',
  definition: Definition,
  functions: Functions,
): StateMachine {
  const text = JSON.stringify(definition);
  const called = (Object.keys(FUNCTIONS) as FunctionName[]).filter((one) => text.includes(functionPlaceholder(one)));
  const machine = new StateMachine(stack, name, {
    stateMachineName: `${settings.stackName}-${name}`,
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromString(text),
    definitionSubstitutions: Object.fromEntries(
      called.map((one) => [substitutionKey(one), functions[one].functionArn]),
    ),
    timeout: Duration.seconds(settings.executionTimeoutSeconds),
    tracingEnabled: true,
    logs: {
      level: LogLevel.ALL,
      // Payloads stay in the execution's history, which is encrypted and ends after 90 days.
      includeExecutionData: false,
      destination: new LogGroup(stack, `${name}-log`, {
        retention: RetentionDays.ONE_YEAR,
        removalPolicy: RemovalPolicy.RETAIN,
      }),
    },
  });
  // Every version, since an execution that is redriven calls those of its own time.
  machine.addToRolePolicy(
    new PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: called.map((one) => `${functions[one].lambda.functionArn}:*`),
    }),
  );
  for (const statement of ecsGrants(stack, settings)) machine.addToRolePolicy(statement);
  return machine;
}

/** Source of the `.sync` part: Step Functions developer guide, "IAM policies for calling Amazon ECS". */
function ecsGrants(stack: Stack, settings: Settings): PolicyStatement[] {
  const arns = relayArns(stack, settings);
  const rule = `arn:${stack.partition}:events:${stack.region}:${stack.account}:rule/StepFunctionsGetEventsForECSTaskRule`;
  return [
    new PolicyStatement({ actions: ['ecs:DescribeServices'], resources: [arns.service] }),
    new PolicyStatement({ actions: ['ecs:StopTask', 'ecs:DescribeTasks'], resources: [arns.tasks] }),
    new PolicyStatement({ actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], resources: [rule] }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [arns.roles],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  ];
}
