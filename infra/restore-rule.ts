import { Duration, type Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { createDeadLetterQueue } from './dead-letters.ts';
import { ALIAS, endings, type Machine } from './state-machine.ts';

/** Long enough for an account that may start no more executions, short enough that a relay is not started behind somebody's back. */
const EVENT_AGE_MAX = Duration.hours(1);

/**
 * Brings the old relay back when `cutover` or `rollback` ends without an ending of its own.
 *
 * @returns the queue of events that started nothing; whoever finds one there starts `restore` by hand
 */
export function createRestoreRule(stack: Stack, stopping: Machine[], restore: Machine): Queue {
  const role = new Role(stack, 'restore-rule-role', { assumedBy: new ServicePrincipal('events.amazonaws.com') });
  role.addToPolicy(
    new PolicyStatement({
      actions: ['states:StartExecution'],
      // IAM sees the machine and not the alias (Step Functions developer guide, "Authorization for versions and aliases").
      resources: [restore.machine.stateMachineArn],
      conditions: { StringEquals: { 'states:StateMachineQualifier': ALIAS } },
    }),
  );
  const deadLetters = createDeadLetterQueue(stack, 'restore-not-started');
  const rule = new Rule(stack, 'restore-rule', {
    description:
      'Starts restore when cutover or rollback has failed, timed out or was stopped; restore looks at the lock first',
    eventPattern: endings(stopping, ['FAILED', 'TIMED_OUT', 'ABORTED']),
  });
  rule.addTarget({
    bind: () => ({
      arn: restore.aliasArn,
      role,
      input: RuleTargetInput.fromObject({ execution: EventField.fromPath('$.detail.executionArn') }),
      retryPolicy: { maximumEventAgeInSeconds: EVENT_AGE_MAX.toSeconds(), maximumRetryAttempts: 185 },
      deadLetterConfig: { arn: deadLetters.queueArn },
    }),
  });
  deadLetters.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [deadLetters.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } },
    }),
  );
  return deadLetters;
}
