import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundledTemplate, preparedTemplate } from '../support/prepared-template.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Said {
  code: number | null;
  output: string;
  errors: string;
}

/** The real program, in a directory of its own. */
function template(args: string[], { input = '', env = {} }: { input?: string; env?: object } = {}): Promise<Said> {
  return new Promise((resolve) => {
    const program = execFile(
      process.execPath,
      [join(process.cwd(), 'cli/relay-cutover.mjs'), 'template', ...args],
      { cwd: directory, env: { PATH: process.env.PATH, HOME: directory, ...env } },
      (error, output, errors) =>
        resolve({ code: error === null ? 0 : ((error as { code?: number }).code ?? null), output, errors }),
    );
    program.stdin?.end(input);
  });
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('relay-cutover template', () => {
  it('edits and goes back, through files and pipes, byte for byte', async () => {
    const added = await template(['add-rds', '--in', file('relay.yaml', bundledTemplate)]);
    expect(added).toMatchObject({ code: 0, output: preparedTemplate });
    expect(added.errors).toMatch(/^- Add the parameter RelayDesiredCount\n(- .*\n)+- Add the output RDSEndpoint\n$/);
    const switched = await template(['switch', '--in', '-'], { input: added.output });
    expect(switched.code).toBe(0);
    const back = await template(['back', '--in', '-'], { input: switched.output });
    expect(back).toMatchObject({ code: 0, output: preparedTemplate });
    const clean = await template(['remove-efs', '--in', '-'], { input: switched.output });
    expect(clean.output).not.toContain('EFSFileSystem');
  });

  it('says that there is nothing to edit, and gives the text as it is', async () => {
    expect(await template(['add-rds', '--in', '-'], { input: preparedTemplate })).toEqual({
      code: 0,
      output: preparedTemplate,
      errors: '- Nothing to edit: it is so already\n',
    });
  });

  it('prints a unified diff, without colours where nobody looks', async () => {
    const path = file('relay.yaml', preparedTemplate);
    const { code, output } = await template(['switch', '--in', path, '--diff', '--image', 'relay:new']);
    expect(code).toBe(0);
    expect(output).toContain(`--- ${path}\n+++ ${path} (edited)\n`);
    expect(output).toContain(
      '\n-    Default: ghcr.io/unicitynetwork/unicity-relay:sha-44d3ff3\n+    Default: relay:new\n',
    );
    expect(output).not.toContain('\u001b');
    const unchanged = await template(['add-rds', '--in', path, '--diff']);
    expect(unchanged.output).toBe('');
  });

  it('takes the names of the settings, from cutover.yaml or another file', async () => {
    const other = preparedTemplate.replaceAll('ZooidRelayService', 'OtherService');
    const settings = file('other.yaml', 'names:\n  service: OtherService\n');
    expect((await template(['switch', '--in', '-'], { input: other })).code).toBe(2);
    expect((await template(['switch', '--in', '-', '--settings', settings], { input: other })).code).toBe(0);
    const found = file('cutover.yaml', 'names:\n  service: OtherService\n');
    onTestFinished(() => rmSync(found));
    expect((await template(['switch', '--in', '-'], { input: other })).code).toBe(0);
  });

  it.each<[string, string[], string, RegExp]>([
    [
      'a file that is not there',
      ['switch', '--in', 'nowhere.yaml'],
      '',
      /^Refused: The template nowhere\.yaml cannot be read: ENOENT/,
    ],
    ['what is no template', ['switch', '--in', '-'], 'hello', /^Refused: The template has no section "Resources"\./],
    [
      'a template without the parts',
      ['switch', '--in', '-'],
      'Resources: {}\n',
      /^Refused: "Set the default of ContainerImage/,
    ],
    ['no input', ['switch'], '', /required option '--in <file>' not specified/],
    ['another list', ['swap'], '', /unknown command 'swap'/],
    [
      'settings that are not there',
      ['switch', '--in', '-', '--settings', 'no.yaml'],
      'x',
      /^Refused: The settings file no\.yaml cannot be read/,
    ],
  ])('refuses %s with exit code 2, and prints no template', async (_, args, input, message) => {
    const said = await template(args, { input });
    expect(said).toMatchObject({ code: 2, output: '' });
    expect(said.errors).toMatch(message);
  });
});

describe('relay-cutover template pull', () => {
  /** Answers GetTemplate as CloudFormation does. */
  async function cloudFormation(
    answer: (body: string) => [status: number, xml: string],
  ): Promise<{ env: object; asked: string[] }> {
    const asked: string[] = [];
    const server: Server = createServer((request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        asked.push(body);
        const [status, xml] = answer(body);
        response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example', AWS_MAX_ATTEMPTS: '1' };
    return { env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, ...keys }, asked };
  }
  const given = (text: string): [number, string] => [
    200,
    `<GetTemplateResponse><GetTemplateResult><TemplateBody>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</TemplateBody></GetTemplateResult></GetTemplateResponse>`,
  ];

  it('fetches the text of the deployed stack, and overwrites nothing that differs', async () => {
    const { env, asked } = await cloudFormation(() => given(preparedTemplate));
    expect(await template(['pull'], { env })).toMatchObject({ code: 0, output: preparedTemplate, errors: '' });
    expect(asked[0]).toContain('StackName=sphere-zooid-relay');
    expect(asked[0]).toContain('TemplateStage=Original');
    const out = file('pulled.yaml', 'something else\n');
    const refused = await template(['pull', '--out', out], { env });
    expect(refused).toMatchObject({ code: 2, output: '' });
    expect(refused.errors).toMatch(/^Refused: The file .*pulled\.yaml is there and differs/);
    expect(readFileSync(out, 'utf8')).toBe('something else\n');
    expect((await template(['pull', '--out', out, '--force'], { env })).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(preparedTemplate);
    expect((await template(['pull', '--out', out], { env })).code).toBe(0);
  });

  it('says in one sentence what AWS says, and what it takes', async () => {
    const { env } = await cloudFormation(() => [
      400,
      '<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id sphere-zooid-relay does not exist</Message></Error></ErrorResponse>',
    ]);
    expect(await template(['pull'], { env })).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: There is no stack sphere-zooid-relay in me-central-1. Expected the stack that runs the relay. Correct --settings, --region and --profile.\n',
    });
  });

  it('names the permission that is missing', async () => {
    const { env } = await cloudFormation(() => [
      403,
      '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/ada is not authorized to perform: cloudformation:GetTemplate on resource: arn:stack because no policy allows it</Message></Error></ErrorResponse>',
    ]);
    expect(await template(['pull'], { env })).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: Whoever your credentials sign in as may not call cloudformation:GetTemplate on arn:stack in me-central-1. Let them, or sign in as somebody who may.\n',
    });
  });

  it('prints JSON where it is asked to', async () => {
    const { env } = await cloudFormation(() => given(preparedTemplate));
    const { output } = await template(['pull', '--json'], { env });
    expect(JSON.parse(output)).toEqual({ stackName: 'sphere-zooid-relay', template: preparedTemplate });
    const edited = await template(['switch', '--in', '-', '--json'], { input: preparedTemplate });
    expect(edited).toMatchObject({ code: 0, errors: '' });
    expect(JSON.parse(edited.output)).toEqual({
      edits: expect.arrayContaining(['Remove the mount points from the container']),
      template: expect.stringContaining('ValueFrom: !Ref RelayDatabaseUrl'),
      difference: expect.stringMatching(/^--- -\n\+\+\+ - \(edited\)\n/),
    });
  });
});
