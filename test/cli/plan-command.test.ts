import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pc from 'picocolors';
import { describe, expect, it, onTestFinished } from 'vitest';
import { planLines } from '../../cli/plan/plan-lines.ts';
import type { Plan } from '../../cli/plan/plan-of.ts';
import { wrapped } from '../../cli/wrapped.ts';
import { runProgram } from '../support/run-program.ts';

/** Answers each action of CloudFormation with an error. */
async function refusing(errors: Record<string, [code: string, message: string]>): Promise<Record<string, string>> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const action = new URLSearchParams(body).get('Action') ?? '';
    const [code, message] = errors[action] ?? ['', ''];
    const stack = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>sphere-zooid-relay</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
    response.writeHead(code ? 400 : 200, { 'content-type': 'text/xml' });
    response.end(
      code ? `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>` : stack,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_MAX_ATTEMPTS: '1' };
}

describe('relay-cutover plan', () => {
  it('refuses a stack that is not there', async () => {
    const environment = await refusing({
      DescribeStacks: ['ValidationError', 'Stack with id sphere-zooid-relay does not exist'],
    });
    expect(await runProgram(['plan'], environment)).toEqual({
      code: 2,
      output: '',
      errors:
        "Refused: There is no stack sphere-zooid-relay. Expected the stack that runs the relay. Check the stack's name and the region in the settings.\n",
    });
  });

  it('names the permission without which there is no plan', async () => {
    const environment = await refusing({
      GetTemplate: [
        'AccessDenied',
        'User: arn:aws:iam::1:user/ada is not authorized to perform: cloudformation:GetTemplate on resource: arn:stack because no policy allows it',
      ],
    });
    expect(await runProgram(['plan', '--json', '--region', 'eu-west-1'], environment)).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: Whoever your credentials sign in as may not call cloudformation:GetTemplate on arn:stack in eu-west-1. Let them, or sign in as somebody who may.\n',
    });
  });
});

describe('the lines of a plan', () => {
  const plan: Plan = {
    ...{ stackName: 'relay', region: 'eu-west-1', next: 'prepare', checks: [], notes: [] },
    steps: [
      {
        ...{ machine: 'prepare', purpose: 'adds a database', refusal: null, edits: ['Add it'], changeSets: [] },
        difference: '@@ -1,1 +1,1 @@ Relay\n-  Old: \u001b[31m1\n+  New: 2',
      },
      { machine: 'cutover', purpose: 'switches', refusal: 'It cannot.', edits: [], difference: '', changeSets: [] },
    ],
    data: { fileSystemBytes: { value: 5 * 2 ** 30 }, load: { unknown: 'Nobody may.' } },
    writeStop: {
      ...{ drainSecondsMax: { value: 40 }, drainSecondsMaxNow: { value: 40 }, besideRowsSeconds: 220 },
      ...{ expectedSeconds: 700, secondsMax: 900, wayBackSecondsReserved: 240, forwardSeconds: 645 },
    },
  };
  const view = { columns: Number.POSITIVE_INFINITY, difference: true };

  it('are coloured where that is wanted, and obey no control character of a template', () => {
    const lines = planLines(plan, { ...view, colors: pc.createColors(true) });
    expect(lines).toContain('    \u001b[31m-  Old: \\x1b[31m1\u001b[39m');
    expect(lines).toContain('    \u001b[32m+  New: 2\u001b[39m');
    expect(planLines(plan, { ...view, colors: pc.createColors(false) }).join('\n')).not.toContain('\u001b');
  });

  it('tell of a step that cannot be made, of what is not known, and of a write stop that does not fit', () => {
    const lines = planLines(plan, { ...view, colors: pc.createColors(false) });
    for (const line of [
      '  ✘ It cannot.',
      '  - File system: 5.0 GiB',
      '  - Rows: not known. Nobody may.',
      '  - Drain before it: at most 40 s, in which clients may still write',
      '  - The expected write stop does not fit: 645 s are left for the way forward. Set writeStopSecondsMax higher and deploy, or the cutover goes back by itself.',
    ])
      expect(lines).toContain(line);
  });

  it('leave the changed lines out where that is wanted', () => {
    const lines = planLines(plan, { ...view, difference: false, colors: pc.createColors(false) });
    expect(lines.join('\n')).not.toContain('@@');
  });
});

describe('a wrapped text', () => {
  it('is broken at its spaces, each line behind what stands before it', () => {
    expect(wrapped('one two three four five', 24, '  - ')).toEqual(['  - one two three four', '    five']);
    expect(wrapped('one two', Number.POSITIVE_INFINITY, '- ')).toEqual(['- one two']);
    expect(wrapped('averyveryverylongwordindeed it', 10)).toEqual(['averyveryverylongwordindeed', 'it']);
    expect(wrapped('日本語日本語 日本語日本語', 24)).toEqual(['日本語日本語', '日本語日本語']);
  });
});
