import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { Refused } from '../statemachine/errors.ts';

/** Tells people: one message to the topic. */
export type Publish = (subject: string, message: string) => Promise<void>;

/** SNS takes a subject of up to 100 characters (SNS API reference, Publish). */
const SUBJECT_CHARACTERS_MAX = 100;

/**
 * Publishes to the topic whose ARN stands in TOPIC_ARN.
 *
 * @throws Refused when the variable is not set; what is given back rejects, to be repeated, when SNS does not take a message
 */
export function publisherOf(environment: NodeJS.ProcessEnv): Publish {
  const { TOPIC_ARN: topicArn } = environment;
  if (!topicArn) {
    throw new Refused(
      'The environment variable TOPIC_ARN is not set. Expected the ARN of the SNS topic for notifications. Deploy the functions again with it.',
    );
  }
  const client = new SNSClient({});
  return async (subject, message) => {
    const Subject = subject.slice(0, SUBJECT_CHARACTERS_MAX);
    await client.send(new PublishCommand({ TopicArn: topicArn, Subject, Message: message }));
  };
}
