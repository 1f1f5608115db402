import { Duration, type Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { answerFunctionName, STANDING_FUNCTIONS, type StandingFunctionName } from '../statemachine/functions.ts';
import { MACHINE_NAMES } from '../statemachine/machine-names.ts';
import { approvals, type FunctionPlan, type Surroundings } from './function-plans.ts';
import { createFunction } from './functions.ts';
import { relayArns } from './relay-arns.ts';

/** How often people are reminded of what waits for them. */
export const REMINDER_INTERVAL = Duration.minutes(5);

/**
 * The functions that no state machine calls: one for a person's command, one for a schedule, one for the end of every execution.
 *
 * @returns the last of them, which waits for its rule: there are no machines yet
 */
export function createStandingFunctions(stack: Stack, surroundings: Surroundings): NodejsFunction {
  const plans = standingPlans(stack, surroundings);
  const create = (name: StandingFunctionName) =>
    createFunction(stack, name, STANDING_FUNCTIONS[name].purpose, plans[name]);
  create('answer-approval');
  new Rule(stack, 'reminder-rule', {
    description: 'Lets remind look whether an execution is held or waits for approval',
    schedule: Schedule.rate(REMINDER_INTERVAL),
    // The next call is not far.
    targets: [new LambdaFunction(create('remind'), { retryAttempts: 0, maxEventAge: REMINDER_INTERVAL })],
  });
  return create('store-report');
}

function standingPlans(
  stack: Stack,
  { settings, locks, artefacts, topic }: Surroundings,
): Record<StandingFunctionName, FunctionPlan> {
  const { stackName } = settings;
  const arns = relayArns(stack, settings);
  const small = { memoryMegabytes: 256, timeoutSeconds: 60 };
  const knowsLock = { LOCK_TABLE: locks.tableName };
  return {
    'answer-approval': {
      ...small,
      functionName: answerFunctionName(stackName),
      environment: knowsLock,
      grants: [
        approvals(locks),
        {
          // IAM sees the machine of the token, whichever version the execution was started by.
          actions: ['states:SendTaskSuccess', 'states:SendTaskFailure'],
          resources: [arns.arn('states', `stateMachine:${stackName}-cutover`)],
        },
      ],
    },
    remind: {
      ...small,
      environment: { ...knowsLock, STACK_NAME: stackName, TOPIC_ARN: topic.topicArn },
      grants: [
        { actions: ['dynamodb:GetItem'], resources: [locks.tableArn] },
        { actions: ['sns:Publish'], resources: [topic.topicArn] },
      ],
    },
    'store-report': {
      // A history may have 25,000 events, and to lay out the graph of a machine takes a second of a whole CPU.
      ...{ memoryMegabytes: 1024, timeoutSeconds: 120 },
      environment: { STACK_NAME: stackName, ARTEFACT_BUCKET: artefacts.bucketName },
      grants: [
        {
          actions: [
            'states:DescribeExecution',
            'states:GetExecutionHistory',
            'states:DescribeStateMachineForExecution',
          ],
          resources: MACHINE_NAMES.map((machine) => arns.executions(machine)),
        },
        {
          actions: ['s3:PutObject'],
          resources: [
            {
              arn: artefacts.arnForObjects(`reports/${stackName}/*`),
              why: 'The report of each execution has a name of its own',
            },
          ],
        },
      ],
    },
  };
}
