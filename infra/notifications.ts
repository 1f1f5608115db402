import type { Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Settings } from '../statemachine/settings.ts';
import { endings, type Machine } from './state-machine.ts';

/**
 * Hears of every alarm, of every execution that succeeded, and of whatever waits for a person. Not encrypted by a key of ours:
 * its messages are names, states and the changed lines of a template, and a key would have to let CloudWatch and EventBridge
 * in, and cost more than the rest of the stack.
 */
export function createTopic(stack: Stack, { stackName, notificationEmail }: Settings): Topic {
  const topic = new Topic(stack, 'notifications', { displayName: `Cutover of ${stackName}`, enforceSSL: true });
  // The topic has a policy of its own now, and with it the default goes that lets in everything of the account.
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  if (notificationEmail !== undefined) topic.addSubscription(new EmailSubscription(notificationEmail));
  return topic;
}

export function tellOfSuccess(stack: Stack, topic: Topic, machines: Machine[]): void {
  new Rule(stack, 'success-rule', {
    description: 'Tells of every execution that succeeded; alarms tell of the others',
    eventPattern: endings(machines, ['SUCCEEDED']),
    targets: [
      new SnsTopic(topic, {
        // The event itself would carry the execution's whole input and output.
        message: RuleTargetInput.fromText(`Succeeded: ${EventField.fromPath('$.detail.executionArn')}`),
      }),
    ],
  });
}
