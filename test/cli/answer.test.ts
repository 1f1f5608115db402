import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { Command } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejectCommand } from '../../cli/answer.ts';
import { answerFunctionName } from '../../statemachine/functions.ts';
import { machineOf, task } from '../interpreter/machine.ts';
import { runProgram } from '../support/run-program.ts';
import { type Endpoint, executionArn, startEndpoint } from '../support/step-functions-endpoint.ts';

const EXECUTION = 'arn:aws:states:me-central-1:123456789012:execution:sphere-zooid-relay-cutover:one';

interface Answered {
  status?: number;
  headers?: Record<string, string>;
  body: object;
}

/** Stands for Lambda, and remembers what was asked. */
async function lambda({ status = 200, headers = {}, body }: Answered) {
  const asked: { path: string | undefined; payload: unknown; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { authorization } = request.headers;
      asked.push({ path: request.url, payload: JSON.parse(text), authorization });
      response.writeHead(status, headers).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function program(args: string[], url = 'http://127.0.0.1:9', environment: Record<string, string> = {}) {
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_MAX_ATTEMPTS: '1' };
  return runProgram(args, { ...keys, AWS_ENDPOINT_URL: url, ...environment, AWS_ENDPOINT_URL_LAMBDA: url });
}

describe('relay-cutover approve and reject', () => {
  it('call the function of the stack in the region of the execution, and say what it says', async () => {
    const { asked, url } = await lambda({ body: { sentence: 'It is approved.' } });
    expect(await program(['approve', EXECUTION, '--by', 'Ada'], url)).toEqual({
      code: 0,
      output: 'It is approved.\n',
      errors: '',
    });
    expect(asked).toEqual([
      {
        path: `/2015-03-31/functions/${answerFunctionName('sphere-zooid-relay')}/invocations`,
        payload: { execution: EXECUTION, answer: 'approve', by: 'Ada' },
        authorization: expect.stringContaining('/me-central-1/lambda/'),
      },
    ]);
  });

  it('hand over the reason, and the name of the user where no other is given', async () => {
    const { asked, url } = await lambda({ body: { sentence: 'It is rejected.' } });
    expect(await program(['reject', EXECUTION, '--reason', 'not today'], url)).toMatchObject({ code: 0 });
    expect(asked[0]?.payload).toEqual({
      execution: EXECUTION,
      answer: 'reject',
      reason: 'not today',
      by: expect.stringMatching(/./),
    });
  });

  it.each([
    ['Refused', 'It was rejected already.', { code: 2, errors: 'Refused: It was rejected already.\n' }],
    ['Error', 'It could not be sent.', { code: 1, errors: 'Failed: It could not be sent.\n' }],
  ])('tell a function that failed with %s apart by the exit code', async (errorType, errorMessage, expected) => {
    const headers = { 'X-Amz-Function-Error': 'Unhandled' };
    const { url } = await lambda({ headers, body: { errorType, errorMessage, trace: [] } });
    expect(await program(['approve', EXECUTION, '--by', 'Ada'], url)).toMatchObject({ output: '', ...expected });
  });

  it.each([
    [
      403,
      'AccessDeniedException',
      'User: arn:aws:iam::1:user/ada is not authorized to perform: lambda:InvokeFunction on resource: arn:function because no policy allows it',
      'Whoever your credentials sign in as may not call lambda:InvokeFunction on arn:function in me-central-1. Let them, or sign in as somebody who may.',
    ],
    [403, 'AccessDeniedException', 'not you', 'AWS did not allow it: not you. Sign in as somebody who may.'],
    [
      404,
      'ResourceNotFoundException',
      'Function not found',
      'There is no function sphere-zooid-relay-cutover-answer-approval in me-central-1. Expected that of the stack sphere-zooid-relay-cutover. Deploy it with "relay-cutover deploy", or correct --settings, --region and --profile.',
    ],
  ])('say what it takes where AWS answers %i, %s: %s', async (status, type, Message, sentence) => {
    const { url } = await lambda({ status, headers: { 'X-Amzn-ErrorType': type }, body: { Message } });
    expect(await program(['approve', EXECUTION], url)).toEqual({
      code: 2,
      output: '',
      errors: `Refused: ${sentence}\n`,
    });
  });

  it('print with --json what was answered, and what has become of it', async () => {
    const { url } = await lambda({ body: { sentence: 'It is approved.' } });
    const { code, output } = await program(['approve', EXECUTION, '--by', 'Ada', '--json'], url);
    expect({ code, ...JSON.parse(output) }).toEqual({
      code: 0,
      execution: EXECUTION,
      answer: 'approve',
      by: 'Ada',
      sentence: 'It is approved.',
    });
  });

  it('want a reason for a rejection', async () => {
    expect(rejectCommand(new Command()).options.find(({ long }) => long === '--reason')?.mandatory).toBe(true);
  });
});

/** A cutover that comes to the state in which it waits for a person, or stays before it. */
const CUTOVER = machineOf({
  Preflight: task({ Next: 'AskApproval' }),
  AskApproval: task({ Next: 'Stop' }),
  Stop: task(),
});

/** Step Functions with these cutovers, oldest first, each in the state in which it stays. */
async function cutovers(...given: [name: string, staysIn: string][]): Promise<Endpoint> {
  const stays = new Map(given);
  const endpoint = await startEndpoint({ cutover: CUTOVER }, ({ context, signal }) => {
    const { Execution, State } = context as { Execution: { Name: string }; State: { Name: string } };
    if (stays.get(Execution.Name) !== State.Name) return Promise.resolve({});
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  onTestFinished(() => endpoint.close());
  const client = new SFNClient({
    ...{ region: 'me-central-1', endpoint: endpoint.url },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const stateMachineArn = 'arn:aws:states:me-central-1:123456789012:stateMachine:sphere-zooid-relay-cutover';
  for (const [name, state] of given) {
    await client.send(new StartExecutionCommand({ stateMachineArn, name, input: '{}' }));
    const { execution } = endpoint.started.at(-1) as Endpoint['started'][number];
    const entered = () => execution.history.some(({ stateEnteredEventDetails: entry }) => entry?.name === state);
    await expect.poll(() => entered() || execution.status !== 'RUNNING').toBe(true);
  }
  return endpoint;
}

describe('relay-cutover approve and reject without an ARN', () => {
  it('mean the newest cutover that waits', async () => {
    const { url, asked } = await lambda({ body: { sentence: 'It is approved.' } });
    const { environment, started } = await cutovers(
      ['first', 'AskApproval'],
      ['second', 'AskApproval'],
      ['third', 'Stop'],
      ['ended', ''],
      ['stopped', 'AskApproval'],
    );
    started.at(-1)?.execution.stop('Stopped', 'by hand');
    await started.at(-1)?.execution.done;
    const { AWS_ENDPOINT_URL = '' } = environment;
    expect(await program(['approve', '--by', 'Ada'], url, { AWS_ENDPOINT_URL })).toEqual({
      code: 0,
      output: 'It is approved.\n',
      errors: '',
    });
    expect(asked.map(({ payload }) => payload)).toEqual([
      { execution: executionArn('cutover', 'second'), answer: 'approve', by: 'Ada' },
    ]);
  });

  it('take a name', async () => {
    const { url, asked } = await lambda({ body: { sentence: 'It is rejected.' } });
    const { environment } = await cutovers(['first', 'AskApproval'], ['second', 'AskApproval']);
    const { AWS_ENDPOINT_URL = '' } = environment;
    const said = await program(['reject', 'first', '--by', 'Ada', '--reason', 'no'], url, { AWS_ENDPOINT_URL });
    expect(said).toMatchObject({ code: 0 });
    expect(asked.map(({ payload }) => payload)).toEqual([
      { execution: executionArn('cutover', 'first'), answer: 'reject', by: 'Ada', reason: 'no' },
    ]);
  });

  it('refuse where none waits', async () => {
    const { url, asked } = await lambda({ body: {} });
    const { environment } = await cutovers(['one', 'Stop']);
    const { AWS_ENDPOINT_URL = '' } = environment;
    expect(await program(['approve'], url, { AWS_ENDPOINT_URL })).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: No cutover of the stack sphere-zooid-relay waits for approval. Expected one that was started with "relay-cutover start --approve" and has not been answered. "relay-cutover status" says where it stands.\n',
    });
    expect(asked).toEqual([]);
  });
});
