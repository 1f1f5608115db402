import { readFile } from 'node:fs/promises';
import { GetStackPolicyCommand, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { DescribeServicesCommand, DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Plan } from '../../cli/plan/plan-of.ts';
import type { MachineStatus } from '../../cli/status.ts';
import { addRdsEdits } from '../../lambdas/template-edits/add-rds.ts';
import { applyEdits } from '../../lambdas/template-edits/apply.ts';
import { switchTemplate } from '../../lambdas/template-edits/back.ts';
import { removeEfsEdits } from '../../lambdas/template-edits/remove-efs.ts';
import { relayProgram } from '../../rehearsal/relay/program.ts';
import { type AcknowledgedEvent, publishOnce, servedEvents, startWriter, type Writer } from '../../rehearsal/writer.ts';
import { answerFunctionName } from '../../statemachine/functions.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { runProgram } from '../support/run-program.ts';
import { type Cloud, RELAY_TEMPLATE, startCloud } from './cloud.ts';
import { execute, publish, startedElsewhere } from './executions.ts';
import { startScalingService } from './scaling-service.ts';
import { describeStack } from './stacks.ts';

// A relay that does not answer is waited for a little only; a good one needs two seconds.
const settings = parseSettings({ startTimeoutSeconds: 100 });
const { stackName, names, newImage } = settings;
const acknowledged: AcknowledgedEvent[] = [];
let cloud: Cloud;
let sfn: SFNClient;
let writer: Writer;
/** The aliases by which the machines are started. */
let live: { cutover: string; finalize: string };

beforeAll(async () => {
  cloud = await startCloud(settings);
  sfn = new SFNClient(cloud.emulator.client);
  const { CutoverStateMachine = '', FinalizeStateMachine = '' } = cloud.outputs.cutover;
  live = {
    cutover: await publish(sfn, CutoverStateMachine),
    finalize: await publish(sfn, FinalizeStateMachine),
  };
  acknowledged.push(await publishOnce(cloud.endpoint, 'the relay serves', AbortSignal.timeout(60_000)));
  writer = startWriter({
    endpoint: cloud.endpoint,
    perSecond: 10,
    onAcknowledged: (event) => acknowledged.push(event),
  });
}, 300_000);
afterAll(async () => {
  await writer?.stop();
  await cloud?.stop();
}, 60_000);

/** Each test goes on where the one before it ended. */
describe("the relay's stack and the cutover's on the emulator", () => {
  it('are planned on before anything is done', async () => {
    const plan = await planned();
    expect(plan).toMatchObject({ next: 'prepare', data: { load: { value: null } } });
    expect(plan.steps.map(({ machine, refusal }) => [machine, refusal])).toEqual([
      ['prepare', null],
      ['cutover', null],
      ['finalize', null],
    ]);
    expect(await deployedTemplate()).toBe(await readFile(RELAY_TEMPLATE, 'utf8'));
  });

  it('are prepared: a database beside the relay, loaded while it serves', async () => {
    const before = acknowledged.length;
    const { code, output } = await command('prepare', '--yes', '--name', 'prepare-1', '--interval', '0.5');
    expect(output).toContain('✔ RunLoad');
    expect(output).toContain('PrepareComplete: PostgreSQL stands beside the relay, loaded and proven: ');
    expect(code).toBe(0);
    expect(cloud.comparisons.map(({ mode }) => mode)).toEqual(['load']);
    expect(acknowledged.length).toBeGreaterThan(before);

    expect(await deployedTemplate()).toBe(await preparedTemplate());
    const { StackPolicyBody } = await cloud.cloudFormation.send(new GetStackPolicyCommand({ StackName: stackName }));
    expect(StackPolicyBody).toContain(names.databaseInstance);
  });

  it('are planned on after it, with the rows of the load', async () => {
    const plan = await planned();
    expect(plan).toMatchObject({
      next: 'cutover',
      data: { load: { value: { execution: 'prepare-1', rows: expect.any(Number) } } },
      writeStop: { expectedSeconds: expect.any(Number) },
    });
    expect(plan.steps[0]).toMatchObject({ machine: 'prepare', edits: [], changeSets: [{ changes: [] }] });
  });

  it('go back when the new relay does not answer, and bring back what PostgreSQL had accepted', async () => {
    const { command, args } = relayProgram('postgres');
    cloud.programs.set(newImage, { command: '/usr/bin/env', args: ['RELAY_HOST=elsewhere.test', command, ...args] });
    const failed = await execute(sfn, live.cutover, 'cutover-1');
    cloud.programs.delete(newImage);
    expect(failed).toMatchObject({ status: 'FAILED', error: 'RolledBack' });
    expect(failed.cause).toMatch(
      /^The old relay serves from SQLite again and nothing was lost, because HealthCheckNewRelay failed with NotYet: .* What PostgreSQL had accepted meanwhile was brought back to SQLite first\. The write stop lasted [\d.]+ s: .* s\.$/s,
    );
    expect(cloud.comparisons.slice(-2)).toEqual([
      { mode: 'reconcile', differences: [] },
      { mode: 'reverse', differences: [] },
    ]);
    expect(await deployedTemplate()).toBe(await preparedTemplate());
    expect(await runningContainer()).toMatchObject({
      environment: expect.arrayContaining([{ name: 'DATA', value: '/app/data' }]),
    });
    await expectEventsServed();

    const [restored] = await startedElsewhere(sfn, cloud.outputs.cutover.RestoreStateMachine as string, 1);
    expect(restored).toMatchObject({ status: 'SUCCEEDED', input: JSON.stringify({ execution: failed.executionArn }) });
    expect(JSON.parse(restored?.output as string)).toMatchObject({ outcome: 'NothingToDo' });
  });

  it('are cut over once a person has approved it: every row equal, the template switched, the relay on PostgreSQL', async () => {
    const cutOver = await execute(sfn, live.cutover, 'cutover-2', {
      input: { approve: true },
      async meanwhile(execution) {
        const by = { execution, by: 'Ada' };
        await expect.poll(() => answer({ ...by, answer: 'approve' }), POLLED).toContain('is approved by Ada at');
        expect(await answer({ ...by, by: 'Grace', answer: 'approve' })).toContain('was approved by Ada at');
        expect(await answer({ ...by, by: 'Grace', answer: 'reject', reason: 'no' })).toContain(
          'It cannot be rejected any more.',
        );
      },
    });
    expect(cutOver.cause).toBeUndefined();
    expect(JSON.parse(cutOver.output as string)).toMatchObject({
      outcome: 'CutoverComplete',
      tables: expect.arrayContaining([expect.objectContaining({ table: 'kv', verdict: 'verified' })]),
    });
    // Between the copy and the start of the new relay nobody writes.
    expect(cloud.comparisons.at(-1)).toEqual({ mode: 'reconcile', differences: [] });

    const { text } = switchTemplate(await preparedTemplate(), names, newImage);
    expect(await deployedTemplate()).toBe(text);
    const { StackStatus, Parameters = [] } = await describeStack(cloud.cloudFormation, stackName);
    expect(StackStatus).toBe('UPDATE_COMPLETE');
    expect(Parameters).toContainEqual(
      expect.objectContaining({ ParameterKey: names.desiredCountParameter, ParameterValue: '1' }),
    );
    expect(await runningContainer()).toMatchObject({
      image: newImage,
      secrets: [expect.objectContaining({ name: names.databaseUrlVariable })],
    });
  });

  it('lose no event that was acknowledged, before, between and after', async () => {
    acknowledged.push(await publishOnce(cloud.endpoint, 'after the cutover', AbortSignal.timeout(60_000)));
    await writer.stop();
    await expectEventsServed();
    const ids = acknowledged.map(({ id }) => id);
    const rows = await cloud.query('SELECT count(*)::int AS n FROM sphere_relay__events WHERE id = ANY($1)', [ids]);
    expect(rows).toEqual([{ n: ids.length }]);
  });

  it('refuse another cutover, and the rule starts restore, which finds nothing to do', async () => {
    const again = await execute(sfn, live.cutover, 'cutover-3');
    expect(again.error).toBe('PreflightFailed');
    expect(again.cause).toMatch(/^Nothing was changed; the relay runs as before\./);
    const [, restored] = await startedElsewhere(sfn, cloud.outputs.cutover.RestoreStateMachine as string, 2);
    expect(restored).toMatchObject({ status: 'SUCCEEDED', input: JSON.stringify({ execution: again.executionArn }) });
    expect(JSON.parse(restored?.output as string)).toMatchObject({ outcome: 'NothingToDo' });
  });

  it('are not finalized before their time', async () => {
    const early = await execute(sfn, live.finalize, 'finalize-1');
    expect(early).toMatchObject({ status: 'FAILED', error: 'FinalizeFailed' });
    expect(early.cause).toContain('IsConfident failed with NotConfident: PostgreSQL holds the truth since ');
  });

  it('are finalized: the files in the archive, the file system out of the stack, and deleted when it is asked for', async () => {
    await cloud.query("UPDATE cutover.authority SET changed_at = now() - interval '8 days'", []);
    const finalized = await execute(sfn, live.finalize, 'finalize-2');
    expect(finalized.cause).toBeUndefined();
    const kept = JSON.parse(finalized.output as string);
    expect(kept).toMatchObject({
      outcome: 'FinalizeComplete',
      archive: {
        bucket: cloud.outputs.cutover.Artefacts,
        files: expect.arrayContaining([expect.objectContaining({ file: 'db' })]),
      },
      fileSystem: { outcome: 'kept', id: cloud.outputs.relay.EFSFileSystemId },
    });
    const { text } = switchTemplate(await preparedTemplate(), names, newImage);
    expect(await deployedTemplate()).toBe(applyEdits(text, removeEfsEdits(names)).text);
    const { Outputs = [] } = await describeStack(cloud.cloudFormation, stackName);
    expect(Outputs.map(({ OutputKey }) => OutputKey)).not.toContain(names.fileSystemOutput);

    const again = await execute(sfn, live.finalize, 'finalize-3', { input: { deleteFileSystem: true } });
    expect(again.cause).toBeUndefined();
    expect(JSON.parse(again.output as string)).toMatchObject({
      archive: kept.archive,
      fileSystem: { outcome: 'deleted' },
    });
    await expectEventsServed();
  });

  it('are told of by the commands, from the first execution to the last', async () => {
    const status = JSON.parse((await command('status', '--json')).output);
    const endings = status.machines.map(({ machine, name, ending }: MachineStatus) => [machine, name, ending.outcome]);
    expect(endings).toEqual([
      ['finalize', 'finalize-3', 'FinalizeComplete'],
      ['restore', expect.any(String), 'NothingToDo'],
      ['cutover', 'cutover-3', 'PreflightFailed'],
      ['prepare', 'prepare-1', 'PrepareComplete'],
    ]);
    const { code, output } = await command('history', 'cutover-1');
    expect(code).toBe(0);
    expect(output).toMatch(/✘ HealthCheckNewRelay +[\d.]+ s {2}asked \d+ times {2}NotYet\n/);
    expect(output).toContain('\nRolledBack: The old relay serves from SQLite again and nothing was lost, because ');
  });

  it('leave nothing behind that went wrong unseen', () => {
    expect(cloud.failures()).toEqual([]);
  });
});

const POLLED = { timeout: 60_000, interval: 500 };

/** What the function says, as a person's command calls it. */
async function answer(given: object): Promise<string> {
  const lambda = new LambdaClient(cloud.emulator.client);
  const { Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: answerFunctionName(stackName), Payload: JSON.stringify(given) }),
  );
  const { sentence, errorMessage } = JSON.parse(Buffer.from(Payload ?? []).toString());
  return sentence ?? errorMessage;
}

/** Runs `relay-cutover` against the emulator. */
function command(...args: string[]): ReturnType<typeof runProgram> {
  const { endpoint, credentials } = cloud.emulator.client;
  return runProgram(args, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
}

/** The plan as `relay-cutover plan` makes it. All of it can be read, but from here nobody reaches the relay by its name. */
async function planned(): Promise<Plan> {
  const scaling = await startScalingService();
  onTestFinished(scaling.stop);
  vi.stubEnv('AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING', scaling.endpoint);
  const { code, output, errors } = await command('plan', '--json');
  expect(errors).toBe('');
  const plan = JSON.parse(output) as Plan;
  const failed = plan.checks.filter(({ status }) => status !== 'passed');
  expect(failed).toEqual([expect.objectContaining({ title: 'the relay answers', status: 'failed' })]);
  expect(code).toBe(2);
  return plan;
}

/** The relay that serves now has every event that was ever acknowledged by one. */
async function expectEventsServed(): Promise<void> {
  const promised = [...acknowledged];
  expect((await servedEvents(cloud.endpoint, promised)).size).toBe(promised.length);
}

async function deployedTemplate(): Promise<string> {
  const { TemplateBody } = await cloud.cloudFormation.send(
    new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Original' }),
  );
  return TemplateBody as string;
}

async function preparedTemplate(): Promise<string> {
  return applyEdits(await readFile(RELAY_TEMPLATE, 'utf8'), addRdsEdits(settings)).text;
}

/** The relay's container as the task definition says it that the service has. */
async function runningContainer() {
  const ecs = new ECSClient(cloud.emulator.client);
  const { ECSClusterName: cluster, ECSServiceName: service = '' } = cloud.outputs.relay;
  const { services = [] } = await ecs.send(new DescribeServicesCommand({ cluster, services: [service] }));
  expect(services[0]).toMatchObject({ desiredCount: 1, runningCount: 1 });
  const { taskDefinition } = await ecs.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: services[0]?.taskDefinition }),
  );
  return taskDefinition?.containerDefinitions?.[0];
}
