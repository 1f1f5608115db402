import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ObjectStore, startObjectStore } from '../../rehearsal/object-store.ts';
import { reportSchema } from '../../report/report-schema.ts';
import { storedReportKeys } from '../../report/stored-report.ts';
import { machineOf, task } from '../interpreter/machine.ts';
import { runProgram } from '../support/run-program.ts';
import { type Endpoint, executionArn, startEndpoint } from '../support/step-functions-endpoint.ts';

const CUTOVER = machineOf({
  Preflight: task({ Arguments: { FunctionName: 'preflight' }, Next: 'RolledBack' }),
  RolledBack: { Type: 'Fail', Error: 'RolledBack', Cause: 'The old relay serves again <b>.' },
});
const RESTORE = machineOf({
  Restored: { Type: 'Succeed', Output: { outcome: 'Restored', sentence: 'The old relay serves.' } },
});

let endpoint: Endpoint;
let store: ObjectStore;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'report-'));
  endpoint = await startEndpoint({ cutover: CUTOVER, restore: RESTORE }, async () => ({}));
  store = await startObjectStore(join(directory, 'store'));
});
afterEach(async () => {
  await endpoint.close();
  await store.stop();
  await rm(directory, { recursive: true });
});

const program = (...args: string[]) => runProgram(args, { ...endpoint.environment, AWS_ENDPOINT_URL_S3: store.url });
const run = async (name: string): Promise<void> => {
  await program('start', '--yes', '--name', name, '--interval', '0.1');
};

/** As the rule does. */
async function startRestore(name: string, execution: string): Promise<void> {
  const stateMachineArn = executionArn('restore', '').replace(':execution:', ':stateMachine:').slice(0, -1);
  await fetch(endpoint.url, {
    method: 'POST',
    headers: { 'x-amz-target': 'AWSStepFunctions.StartExecution' },
    body: JSON.stringify({ stateMachineArn, name, input: JSON.stringify({ execution }) }),
  });
  await endpoint.started.at(-1)?.execution.done;
}

describe('relay-cutover report', () => {
  it('writes the page of the newest cutover, and loses no other file', async () => {
    await run('one');
    const file = join(directory, 'one.html');
    expect(await program('report', '--out', file)).toEqual({
      code: 0,
      output: `The report of one of cutover is in ${file}\n`,
      errors: '',
    });
    const page = await readFile(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<p class="lead">The old relay serves again &lt;b&gt;.</p>');
    // The same again is no loss.
    expect((await program('report', 'one', '--out', file)).code).toBe(0);
    await writeFile(file, 'mine');
    expect(await program('report', '--out', file)).toEqual({
      code: 2,
      output: '',
      errors: `Refused: The file ${file} is there and is another one. Nothing was written. Name another by --out, or say --force.\n`,
    });
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect((await program('report', '--out', file, '--force')).code).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(page);
  });

  it('tells as JSON also of the restore that an execution set off, and of no other', async () => {
    await run('one');
    await startRestore('after-one', executionArn('cutover', 'one'));
    await startRestore('after-another', executionArn('cutover', 'another'));
    const { code, output } = await program('report', 'one', '--json');
    expect(code).toBe(0);
    const report = reportSchema.parse(JSON.parse(output));
    expect(report.executions.map(({ name }) => name)).toEqual(['one', 'after-one']);
    expect(report.verdict).toMatchObject({ standing: 'back', outcome: 'Restored', sentence: 'The old relay serves.' });
    const ofRestore = reportSchema.parse(JSON.parse((await program('report', 'after-one', '--json')).output));
    expect(ofRestore).toEqual(report);
  });

  it('fetches what was stored, also when Step Functions has forgotten the execution, and says that it is there', async () => {
    const { page, data } = storedReportKeys('sphere-zooid-relay', 'cutover', 'old');
    await fetch(`${store.url}/artefacts/${page}`, { method: 'PUT', body: '<p>kept</p>' });
    await fetch(`${store.url}/artefacts/${data}`, { method: 'PUT', body: '{"formatVersion":1}' });
    const file = join(directory, 'old.html');
    expect(await program('report', 'old')).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: There is no execution named "old" of the stack sphere-zooid-relay. Expected an execution\'s ARN or name, or a machine (prepare, cutover, restore, rollback, finalize) for its newest one. "relay-cutover status" lists the newest ones. Step Functions forgets an execution 90 days after its end; its report may be stored: relay-cutover report old --stored\n',
    });
    expect((await program('report', 'old', '--stored', '--out', file)).errors).toBe('');
    expect(await readFile(file, 'utf8')).toBe('<p>kept</p>');
    const arn = executionArn('cutover', 'old');
    expect(JSON.parse((await program('report', arn, '--stored', '--json')).output)).toEqual({ formatVersion: 1 });
    const { code, errors } = await program('report', executionArn('restore', 'never'), '--stored');
    expect(code).toBe(2);
    expect(errors).toBe(
      'Refused: There is no stored report in the bucket artefacts: looked for reports/sphere-zooid-relay/restore/never.html. One is stored when an execution ends; name the execution, or leave --stored out while Step Functions knows it.\n',
    );
  });

  it('refuses to print and to write at once', async () => {
    expect(await program('report', '--json', '--out', 'x.html')).toEqual({
      code: 2,
      output: '',
      errors: 'Refused: --json prints the report, and --out writes the page. Say one of them.\n',
    });
  });
});
