import { Duration, type Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { EventInvokeConfig, type Function as LambdaFunctionOf } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { createDeadLetterQueue } from './dead-letters.ts';
import { endings, type Machine } from './state-machine.ts';

/** Nothing waits for a report, and the history that it is made of is there for 90 days. */
const EVENT_AGE_MAX = Duration.hours(6);

/**
 * Stores the report of every execution when it ends, whichever way.
 *
 * @returns the queue of endings of which no report was stored; a person makes it by `relay-cutover report`
 */
export function storeReports(stack: Stack, machines: Machine[], storeReport: LambdaFunctionOf): Queue {
  const deadLetterQueue = createDeadLetterQueue(stack, 'report-not-stored');
  // EventBridge is done as soon as Lambda has taken the event; what the function then fails with Lambda repeats.
  new EventInvokeConfig(stack, 'store-report-retries', {
    function: storeReport,
    retryAttempts: 2,
    maxEventAge: EVENT_AGE_MAX,
    onFailure: new SqsDestination(deadLetterQueue),
  });
  new Rule(stack, 'report-rule', {
    description: 'Lets store-report keep the report of an execution that has ended',
    eventPattern: endings(machines, ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
    targets: [new LambdaFunction(storeReport, { retryAttempts: 8, maxEventAge: EVENT_AGE_MAX, deadLetterQueue })],
  });
  return deadLetterQueue;
}
