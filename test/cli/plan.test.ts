import type { Service } from '@aws-sdk/client-ecs';
import type { SFNClient } from '@aws-sdk/client-sfn';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cloud, DeployedStack } from '../../cli/cloud.ts';
import { loadCheck } from '../../cli/plan/amount.ts';
import type { PlanClients } from '../../cli/plan/clients.ts';
import { planLines } from '../../cli/plan/plan-lines.ts';
import { isReady, type Plan, planOf } from '../../cli/plan/plan-of.ts';
import { nextMachine } from '../../cli/plan/steps.ts';
import { CUTOVER_CHECKS } from '../../lambdas/preflight/cutover-checks.ts';
import { PREPARE_CHECKS } from '../../lambdas/preflight/prepare-checks.ts';
import { applyEdits } from '../../lambdas/template-edits/apply.ts';
import { switchTemplate } from '../../lambdas/template-edits/back.ts';
import { removeEfsEdits } from '../../lambdas/template-edits/remove-efs.ts';
import { switchEdits } from '../../lambdas/template-edits/switch.ts';
import { type Execution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import { Refused } from '../../statemachine/errors.ts';
import { prepareMachine } from '../../statemachine/prepare/prepare.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { cloudOf, start } from '../statemachine/cloud.ts';
import { bundledTemplate, preparedTemplate } from '../support/prepared-template.ts';
import { type Changes, clientsOf, type RelayWorld, relayWorld, SECRET_KEY } from '../support/relay-world.ts';

const settings = parseSettings();
const cloud: Cloud = { settings, client: { region: settings.region } };

let bare: RelayWorld;
let prepared: RelayWorld;
beforeAll(async () => {
  [bare, prepared] = await Promise.all([relayWorld(bundledTemplate), relayWorld(preparedTemplate)]);
});
afterAll(() => Promise.all([bare.remove(), prepared.remove()]));

const NOT_DEPLOYED = async (): Promise<never> => {
  throw new Refused('There is no stack sphere-zooid-relay-cutover in me-central-1.');
};

function plan(
  { world }: RelayWorld,
  { changes = {}, ...others }: Partial<PlanClients> & { changes?: Changes } = {},
): Promise<Plan> {
  return planOf(
    {
      ...clientsOf(world, changes),
      endpoint: () => world.endpoint,
      surroundings: world.surroundings,
      networkAndStorage: world.networkAndStorage,
      fileSystems: world.fileSystems,
      stepFunctions: { send: () => Promise.reject(new Error('not to be asked')) } as unknown as SFNClient,
      deployed: NOT_DEPLOYED,
      ...others,
    },
    cloud,
  );
}

const text = (made: Plan, columns = Number.POSITIVE_INFINITY, difference = true): string =>
  planLines(made, { columns, colors: pc.createColors(false), difference }).join('\n');

/** Step Functions as far as a plan asks it, with the executions of `prepare` that are given, newest first. */
function stepFunctionsWith(...given: Execution[]): PlanClients['stepFunctions'] {
  const arnOf = (place: number): string =>
    `arn:aws:states:me-central-1:123456789012:execution:sphere-zooid-relay-prepare:number-${place}`;
  const executions = given.map(({ status }, place) => ({
    ...{ executionArn: arnOf(place), name: `number-${place}`, status },
    startDate: new Date(Date.UTC(2026, 10, 28) - place * 60_000),
  }));
  const send = async ({ input }: { input: { executionArn?: string } }) =>
    input.executionArn === undefined
      ? { executions }
      : { events: given.find((_, place) => arnOf(place) === input.executionArn)?.history };
  return { send } as unknown as PlanClients['stepFunctions'];
}

const deployed = async (): Promise<DeployedStack> => ({
  artefactBucket: '',
  aliases: new Map([
    ['prepare', 'arn:aws:states:me-central-1:123456789012:stateMachine:sphere-zooid-relay-prepare:live'],
  ]),
});

/** Runs the machine itself, on answers as the handlers give them. */
async function runPrepare(fails?: string): Promise<Execution> {
  const before = (state: string) => {
    if (state === fails) throw new TaskFailure('Refused', 'on purpose');
    return undefined;
  };
  const execution = start(prepareMachine(settings), cloudOf({ before }));
  await execution.done;
  return execution;
}

const serviceWith = (change: Partial<Service>): Changes => ({
  DescribeServices: ({ services: [service] }: { services: [Service] }) => ({ services: [{ ...service, ...change }] }),
});

function denied(name: string, action: string): () => never {
  return () => {
    const message = `User: arn:aws:iam::1:user/ada is not authorized to perform: ${action} on resource: arn:thing because no policy allows it`;
    throw Object.assign(new Error(message), { name });
  };
}

const failed = ({ checks }: Plan) => checks.filter(({ status }) => status !== 'passed');

describe('a plan before prepare', () => {
  let made: Plan;
  beforeAll(async () => {
    made = await plan(bare);
  });

  it('makes the checks of prepare, and is ready where all have passed', () => {
    expect(made.next).toBe('prepare');
    expect(made.checks.map(({ title }) => title)).toEqual(PREPARE_CHECKS.map(({ title }) => title));
    expect(failed(made)).toEqual([]);
    expect(isReady(made)).toBe(true);
    expect(text(made)).toMatch(
      /\nReady: all 13 checks passed\. Start it with "relay-cutover prepare"; the relay serves all the time\.$/,
    );
  });

  it('has the three machines in their order, each on what the one before it leaves', () => {
    expect(made.steps.map(({ machine, refusal }) => [machine, refusal])).toEqual([
      ['prepare', null],
      ['cutover', null],
      ['finalize', null],
    ]);
    expect(made.steps[1]?.edits).toEqual(switchEdits(settings.names, settings.newImage).map(({ title }) => title));
    expect(made.steps[2]?.changeSets[0]?.changes).toContainEqual({
      action: 'Remove',
      logicalId: 'EFSFileSystem',
      type: 'AWS::EFS::FileSystem',
      paths: [],
      replacement: false,
      kept: true,
    });
  });

  it('shows the changed lines, each group below the resource that it is in', () => {
    expect(made.steps[0]?.difference).toContain('\n@@ -365,1 +532,1 @@ ZooidRelayService\n-      DesiredCount: 1\n+');
    expect(made.steps[1]?.difference).toMatch(/^@@ -23,1 \+23,1 @@ ContainerImage\n- {4}Default: ghcr\.io/);
    expect(made.steps[1]?.difference).not.toContain('RelayCutover');
  });

  it('says what is to be moved, and what the write stop will be, as far as it is known', () => {
    expect(made.data).toEqual({ fileSystemBytes: { value: expect.any(Number) }, load: { value: null } });
    expect(made.writeStop).toEqual({
      drainSecondsMax: { value: 10 + 30 },
      drainSecondsMaxNow: { value: 300 + 30 },
      besideRowsSeconds: 220,
      expectedSeconds: null,
      secondsMax: 900,
      wayBackSecondsReserved: 240,
      forwardSeconds: 645,
    });
    for (const line of [
      '  - File system: 12.0 MiB',
      '  - Rows: not known before prepare has loaded them',
      '  - Drain before it: at most 40 s, in which clients may still write (now 330 s; prepare sets the delay)',
      '  - Expected: 220 s and about as long as prepare will take to load the rows',
      '  - Limit: 900 s, of which 240 s are kept for the way back',
    ])
      expect(text(made)).toContain(`\n${line}\n`);
  });

  it('tells every finding of several checks, and is not ready', async () => {
    const bad = await plan(bare, {
      changes: serviceWith({ runningCount: 0 }),
      networkAndStorage: {
        ...bare.world.networkAndStorage,
        scalableTargets: async () => 2,
        closedPorts: async () => [5432],
      },
    });
    expect(failed(bad)).toEqual([
      {
        title: 'the service runs one task and is at rest',
        status: 'failed',
        says: 'The service sphere-zooid-relay-zooid-relay has 0 running and 0 pending tasks of 1 desired, and 1 deployment(s); expected 1, 0, 1 and 1. Wait until it is stable.',
      },
      {
        title: 'nothing scales the service',
        status: 'failed',
        says: '2 scaling target(s) of Application Auto Scaling may start tasks of sphere-zooid-relay-zooid-relay at any time, during the write stop too. Deregister them first.',
      },
      {
        title: 'the security group lets tasks reach HTTPS, EFS and PostgreSQL',
        status: 'failed',
        says: 'The security group ECSSecurityGroup has no egress rule for the TCP port(s) 5432. Add one.',
      },
    ]);
    expect(isReady(bad)).toBe(false);
    expect(text(bad)).toMatch(/\n {2}✘ nothing scales the service\n {6}2 scaling target\(s\) of /);
    expect(text(bad)).toMatch(
      /\nNot ready for prepare: 3 of 13 checks failed\. Do what stands above, then plan again\.$/,
    );
  });

  it('takes a check that could not be made for a missing permission for one that has not passed', async () => {
    const blind = await plan(bare, {
      networkAndStorage: {
        ...bare.world.networkAndStorage,
        closedPorts: denied('UnauthorizedOperation', 'ec2:DescribeSecurityGroups'),
        fileSystemBytes: denied('AccessDeniedException', 'elasticfilesystem:DescribeFileSystems'),
      },
    });
    const says = (action: string): string =>
      `Whoever your credentials sign in as may not call ${action} on arn:thing in me-central-1. Let them, or sign in as somebody who may.`;
    expect(failed(blind)).toEqual([
      {
        title: 'the security group lets tasks reach HTTPS, EFS and PostgreSQL',
        status: 'unknown',
        says: says('ec2:DescribeSecurityGroups'),
      },
      {
        title: 'the files fit into the scratch space of the migrator',
        status: 'unknown',
        says: says('elasticfilesystem:DescribeFileSystems'),
      },
    ]);
    expect(isReady(blind)).toBe(false);
    const said = text(blind);
    expect(said).toContain(`\n      Not made: ${says('ec2:DescribeSecurityGroups')}\n`);
    expect(said).toContain(`\n  - File system: not known. ${says('elasticfilesystem:DescribeFileSystems')}\n`);
    expect(said).toMatch(
      /\nNot ready for prepare: 2 could not be made and have not passed\. Do what stands above, then plan again\.$/,
    );
  });

  it('makes the checks that do not need what cannot be read', async () => {
    const blind = await plan(bare, {
      changes: { DescribeServices: denied('AccessDeniedException', 'ecs:DescribeServices') },
    });
    expect(failed(blind).map(({ title, status }) => [title, status])).toEqual([
      ['the service runs one task and is at rest', 'unknown'],
      ['the running relay is the one on SQLite', 'unknown'],
      ['nothing scales the service', 'unknown'],
    ]);
    expect(blind.writeStop.drainSecondsMax).toEqual({
      unknown:
        'Whoever your credentials sign in as may not call ecs:DescribeServices on arn:thing in me-central-1. Let them, or sign in as somebody who may.',
    });
  });

  it('ends where AWS cannot be asked at all, or does not show the template', async () => {
    const cut = denied('ThrottlingException', '');
    await expect(plan(bare, { changes: { DescribeServices: cut } })).rejects.toThrow(
      'AWS in me-central-1 asks to go slower (ThrottlingException). Repeat it in a minute.',
    );
    await expect(plan(bare, { changes: { GetTemplate: denied('AccessDenied', 'a:b') } })).rejects.toThrow(
      /not authorized/,
    );
  });

  it('is as wide as the terminal, and holds no secret', () => {
    for (const columns of [40, 80]) {
      const wide = text(made, columns, false)
        .split('\n')
        .filter((line) => stringWidth(line) > columns && line.trim().includes(' '));
      expect(wide).toEqual([]);
    }
    expect(text(made) + JSON.stringify(made)).not.toContain(SECRET_KEY);
  });
});

describe('a plan after prepare', () => {
  it('makes the checks of the cutover, and knows rows and write stop from the newest load', async () => {
    const [loaded, broken] = [await runPrepare(), await runPrepare('ReadLoad')];
    const made = await plan(prepared, { deployed, stepFunctions: stepFunctionsWith(broken, loaded) });
    expect(made.next).toBe('cutover');
    const checks = CUTOVER_CHECKS.map(({ title }) => title);
    expect(made.checks.map(({ title }) => title)).toEqual([
      ...checks,
      'prepare has loaded the rows, no more than 7 days ago',
    ]);
    expect(failed(made)).toEqual([]);
    expect(made.data.load).toEqual({
      value: {
        execution: 'number-1',
        loadedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        seconds: 12.5,
        rows: 2,
        tables: [
          { table: 'kv', rows: 1 },
          { table: 's__events', rows: 1 },
        ],
      },
    });
    expect(made.writeStop).toMatchObject({ drainSecondsMax: { value: 40 }, expectedSeconds: 220 + 13 });
    const said = text(made);
    expect(said).toContain('\n  The template has all of it already: nothing to edit.\n');
    expect(said).toContain('\n  - Rows: 2 in 2 tables, loaded in 13 s by ');
    expect(said).toContain('\n  - Expected: 233 s\n');
    expect(said).toMatch(/\nReady: all 12 checks passed\. Start it with "relay-cutover start"\.$/);
  });

  it('is not ready without a load, and not with one that is too old', async () => {
    expect(failed(await plan(prepared))).toEqual([
      {
        title: 'prepare has loaded the rows, no more than 7 days ago',
        status: 'failed',
        says: 'No load of prepare is known. Run prepare first, while the relay is live.',
      },
    ]);
    const load = { execution: 'one', loadedAt: '2026-11-01T00:00:00.000Z', seconds: 1, rows: 0, tables: [] };
    expect(loadCheck({ value: load }, 7, new Date('2026-11-08T00:00:00Z'))).toMatchObject({
      status: 'failed',
      says: 'The newest load, that of one, is of 2026-11-01T00:00:00.000Z, and what has changed since would make the write stop long. Run prepare again, while the relay is live.',
    });
    expect(loadCheck({ value: load }, 7, new Date('2026-11-07T23:59:00Z')).status).toBe('passed');
  });

  it('says where the stack has not what the settings name', async () => {
    const changes: Changes = {
      DescribeStackResources: ({ StackResources }: { StackResources: { LogicalResourceId: string }[] }) => ({
        StackResources: StackResources.filter(({ LogicalResourceId }) => LogicalResourceId !== 'RDSInstance'),
      }),
    };
    const [first, ...others] = failed(await plan(prepared, { changes, deployed, stepFunctions: stepFunctionsWith() }));
    expect(first).toEqual({
      title: 'what the checks look at is there',
      status: 'failed',
      says: 'The stack sphere-zooid-relay has no resource RDSInstance. Run prepare first if it was never run; else correct the settings under names.',
    });
    expect(others[0]).toEqual({
      title: 'the service runs one task and is at rest',
      status: 'unknown',
      says: 'What it looks at is not there, as said above.',
    });
  });
});

describe('the machine that is next', () => {
  const switched = switchTemplate(preparedTemplate, settings.names, settings.newImage).text;
  const removed = applyEdits(switched, removeEfsEdits(settings.names)).text;
  it.each([
    ['prepare', bundledTemplate],
    ['cutover', preparedTemplate],
    ['finalize', switched],
    [null, removed],
  ])('is %s by the template', (machine, template) => {
    expect(nextMachine(template, settings)).toBe(machine);
  });
});
