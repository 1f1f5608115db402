import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { publisherOf } from '../../lambdas/notifications.ts';

const TOPIC = 'arn:aws:sns:me-central-1:123456789012:topic';

/** A server in the place of SNS; `sent` are the forms that it was sent. */
async function sns(status: number, answer: string): Promise<URLSearchParams[]> {
  const sent: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    sent.push(new URLSearchParams(Buffer.concat(await request.toArray()).toString()));
    response.writeHead(status, { 'content-type': 'text/xml' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const environment = {
    AWS_ENDPOINT_URL_SNS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'me-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  return sent;
}

describe('a message to the topic', () => {
  it('goes out, with a subject that SNS takes', async () => {
    const sent = await sns(
      200,
      '<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>',
    );
    await publisherOf({ TOPIC_ARN: TOPIC })('s'.repeat(150), 'two\nlines & ä');
    expect(sent.map((form) => Object.fromEntries(form))).toEqual([
      {
        Action: 'Publish',
        Version: '2010-03-31',
        TopicArn: TOPIC,
        Subject: 's'.repeat(100),
        Message: 'two\nlines & ä',
      },
    ]);
  });

  it('fails with what SNS says, so that it is sent again', async () => {
    await sns(
      404,
      '<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>no such topic</Message></Error></ErrorResponse>',
    );
    await expect(publisherOf({ TOPIC_ARN: TOPIC })('s', 'm')).rejects.toThrow('no such topic');
  });

  it('needs a topic', () => {
    expect(() => publisherOf({})).toThrow(
      'The environment variable TOPIC_ARN is not set. Expected the ARN of the SNS topic for notifications. Deploy the functions again with it.',
    );
  });
});
