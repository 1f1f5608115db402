import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { answerFunctionName } from '../../statemachine/functions.ts';

const EXECUTION = 'arn:aws:states:me-central-1:123456789012:execution:sphere-zooid-relay-cutover:one';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

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

function program(
  args: string[],
  url = 'http://127.0.0.1:9',
): Promise<{ code: number; output: string; errors: string }> {
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_MAX_ATTEMPTS: '1',
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(process.cwd(), 'cli/relay-cutover.mjs'), ...args],
      { cwd: directory, env },
      (error, output, errors) => resolve({ code: Number(error?.code ?? 0), output, errors }),
    );
  });
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

  it('say with exit code 1 what it takes when the function cannot be called', async () => {
    const headers = { 'X-Amzn-ErrorType': 'AccessDeniedException' };
    const { url } = await lambda({ status: 403, headers, body: { Message: 'not you' } });
    expect(await program(['approve', EXECUTION], url)).toEqual({
      code: 1,
      output: '',
      errors:
        'Failed: The function sphere-zooid-relay-cutover-answer-approval in me-central-1 could not be called: not you. It takes credentials that may call lambda:InvokeFunction; check --profile, --region and the settings.\n',
    });
  });

  it('refuse what is no ARN of an execution, before anything is asked', async () => {
    expect(await program(['approve', 'one'])).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: "one" is not the ARN of an execution. Expected arn:aws:states:<region>:<account>:execution:<machine>:<name>; the message that asks for the approval has it, and the console too.\n',
    });
  });

  it('want a reason for a rejection', async () => {
    const said = await program(['reject', EXECUTION]);
    expect(said.code).toBe(2);
    expect(said.errors).toContain("required option '--reason <text>' not specified");
  });
});
