import type { Stack } from '@aws-sdk/client-cloudformation';
import type { Service, TaskDefinition } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUTOVER_CHECKS } from '../../lambdas/preflight/cutover-checks.ts';
import type { DatabaseInstance, Surroundings } from '../../lambdas/preflight/surroundings.ts';
import { createHandler, type Plan, type PreflightEvent } from '../../lambdas/preflight.ts';
import { switchEdits } from '../../lambdas/template-edits/switch.ts';
import type { World } from '../../rehearsal/world.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { preparedTemplate } from '../support/prepared-template.ts';
import {
  type Changes,
  clientsOf,
  DOMAIN,
  PASSWORD,
  type RelayWorld,
  refusal,
  relayWorld,
  SECRET_KEY,
  TARGET,
} from '../support/relay-world.ts';

const settings = parseSettings();
const { names, stackName, newImage } = settings;
const EVENT: PreflightEvent = { input: {}, stackName, names, newImage, sampleEvents: 32 };

let world: World;
let remove: RelayWorld['remove'];

beforeAll(async () => {
  ({ world, remove } = await relayWorld(preparedTemplate));
});
afterAll(() => remove());

/** Preflight in the world, with some of its answers changed on the way. */
function preflight(
  changes: Changes = {},
  event: Partial<PreflightEvent> = {},
  endpoint: (domain: string) => { url: string; hostHeader?: string } = () => world.endpoint,
  surroundings: Partial<Surroundings> = {},
): Promise<Plan> {
  return createHandler({
    ...clientsOf(world, changes),
    endpoint,
    surroundings: { ...world.surroundings, ...surroundings },
  })({ ...EVENT, ...event });
}

const stackWith = (change: (stack: Stack) => void): Changes => ({
  DescribeStacks: ({ Stacks: [stack] }: { Stacks: [Stack] }) => {
    change(stack);
    return { Stacks: [stack] };
  },
});
const parameterWith = (name: string, value: string | undefined): Changes =>
  stackWith((stack) => {
    const others = (stack.Parameters ?? []).filter(({ ParameterKey }) => ParameterKey !== name);
    stack.Parameters = value === undefined ? others : [...others, { ParameterKey: name, ParameterValue: value }];
  });
const serviceWith = (change: Partial<Service>): Changes => ({
  DescribeServices: ({ services: [service] }: { services: [Service] }) => ({ services: [{ ...service, ...change }] }),
});
/** Changes the container of one task definition; each has one. */
const containerWith = (task: string, change: object): Changes => ({
  DescribeTaskDefinition: ({ taskDefinition }: { taskDefinition: TaskDefinition }) => {
    if (taskDefinition.taskDefinitionArn !== task) return { taskDefinition };
    const [container, ...others] = taskDefinition.containerDefinitions ?? [];
    expect(others).toEqual([]);
    return { taskDefinition: { ...taskDefinition, containerDefinitions: [{ ...container, ...change }] } };
  },
});
const templateWith = (change: (text: string) => string): Changes => ({
  GetTemplate: ({ TemplateBody }: { TemplateBody: string }) => ({ TemplateBody: change(TemplateBody) }),
});

const FAMILY = `${stackName}-zooid-relay`;
const RELAY_TASK = `arn:aws:ecs:me-central-1:123456789012:task-definition/${FAMILY}:1`;
const MIGRATION_TASK = `arn:aws:ecs:me-central-1:123456789012:task-definition/${stackName}-migrate:1`;
const ROLLBACK_TASK = `arn:aws:ecs:me-central-1:123456789012:task-definition/${stackName}-rollback:1`;

describe('preflight', () => {
  it('resolves the names once, and chooses events that the old relay served', async () => {
    const plan = await preflight();
    const resources = world.cloudFormation.stackResources(stackName);
    expect(plan).toEqual({
      cluster: resources.ECSCluster,
      service: FAMILY,
      family: FAMILY,
      domain: DOMAIN,
      oldTaskDefinition: RELAY_TASK,
      migration: {
        taskDefinition: MIGRATION_TASK,
        subnets: [resources.PublicSubnet1, resources.PublicSubnet2],
        securityGroups: [resources.ECSSecurityGroup],
      },
      rollback: { taskDefinition: ROLLBACK_TASK },
      target: TARGET,
      newImage,
      samples: expect.any(Array),
      lastChangeSet: null,
      preview: {
        edits: switchEdits(names, newImage).map(({ title }) => title),
        lines: expect.arrayContaining([
          expect.stringMatching(/^@@ line \d+$/),
          '-    Default: ghcr.io/unicitynetwork/unicity-relay:sha-44d3ff3',
          `+    Default: ${newImage}`,
          '-      - EFSMountTarget2',
        ]),
        image: newImage,
        // The target group's, and what ECS gives a container to stop.
        drainSecondsMax: 10 + 30,
      },
    });
    expect(plan.preview.lines.filter((line) => !/^([-+]|@@ line \d+$)/.test(line))).toEqual([]);
    expect(plan.samples).toHaveLength(32);
    expect(new Set(plan.samples.map(({ id }) => id)).size).toBe(32);
    for (const sample of plan.samples) {
      expect(sample).toEqual({
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        sig: expect.stringMatching(/^[0-9a-f]{128}$/),
      });
    }
  });

  it('shows no secret in its plan, and none in its words', async () => {
    const said = [
      JSON.stringify(await preflight()),
      await refusal(preflight({ ...serviceWith({ runningCount: 0 }), ...templateWith(() => 'Resources: {}') })),
    ].join('\n');
    for (const secret of [SECRET_KEY, PASSWORD, 'postgres://']) expect(said).not.toContain(secret);
  });

  it('takes as many samples as it is told, down to none', async () => {
    expect((await preflight({}, { sampleEvents: 3 })).samples).toHaveLength(3);
    expect((await preflight({}, { sampleEvents: 0 })).samples).toEqual([]);
  });

  it('remembers the change set that the stack took last', async () => {
    const changes = stackWith((stack) => {
      stack.ChangeSetId = 'arn:theirs';
    });
    expect((await preflight(changes)).lastChangeSet).toBe('arn:theirs');
  });

  it('refuses a stack that is not there', async () => {
    expect(await refusal(preflight({}, { stackName: 'nowhere' }))).toBe(
      "There is no stack nowhere. Expected the stack that runs the relay. Check the stack's name and the region in the settings.",
    );
  });

  it('refuses a stack without the resources that prepare adds, all of them named', async () => {
    const withoutPrepare: Changes = {
      DescribeStackResources: ({ StackResources }: { StackResources: { LogicalResourceId: string }[] }) => ({
        StackResources: StackResources.filter(
          ({ LogicalResourceId }) =>
            !['MigrationTaskDefinition', 'RollbackTaskDefinition', 'RelayDatabaseUrl'].includes(LogicalResourceId),
        ),
      }),
    };
    expect(await refusal(preflight(withoutPrepare))).toBe(
      `The stack ${stackName} has no resource MigrationTaskDefinition, RollbackTaskDefinition, RelayDatabaseUrl. Run prepare first if it was never run; else correct the settings under names.`,
    );
    expect(await refusal(preflight({}, { names: { ...names, subnets: ['PublicSubnet1', 'PublicSubnet9'] } }))).toBe(
      `The stack ${stackName} has no resource PublicSubnet9. Run prepare first if it was never run; else correct the settings under names.`,
    );
  });

  it('refuses a service or a task definition that ECS does not have', async () => {
    expect(await refusal(preflight({ DescribeServices: () => ({ services: [] }) }))).toMatch(
      /^ECS has no service arn:aws:ecs:\S+ in cluster \S+, although the stack names it\.$/,
    );
    for (const task of [RELAY_TASK, MIGRATION_TASK, ROLLBACK_TASK]) {
      const without: Changes = {
        DescribeTaskDefinition: ({ taskDefinition }: { taskDefinition: TaskDefinition }) =>
          taskDefinition.taskDefinitionArn === task ? {} : { taskDefinition },
      };
      expect(await refusal(preflight(without))).toBe(`ECS has no task definition ${task}.`);
    }
  });

  it.each([{ onFailure: 'rollback' }, { onFailure: 'hold' }, { onFailure: 'hold', comment: 'as agreed on Tuesday' }])(
    'takes the input %j',
    async (input) => {
      expect(await preflight({}, { input })).toMatchObject({ domain: DOMAIN });
    },
  );
});

interface Case {
  /** Title of the check that has to find it. */
  check: string;
  found: string;
  changes?: Changes;
  event?: Partial<PreflightEvent>;
  endpoint?: () => { url: string };
  surroundings?: Partial<Surroundings>;
  message: string | RegExp;
}

/** What can be wrong with a task definition that runs the migrator: the same for both, but for the mount. */
function migratorCases(
  check: string,
  task: string,
  what: string,
  mount: { found: string; mountPoint: object; message: string },
): Case[] {
  const cases: [found: string, change: object, message: string][] = [
    [
      'a container of another name',
      { name: 'migrator' },
      `The task definition ${task} has no container migrate. Run prepare again.`,
    ],
    [
      'the URL as plain text',
      { environment: [{ name: 'DATABASE_URL', value: `postgres://u:${PASSWORD}@h/d` }] },
      `The ${what} task definition holds DATABASE_URL as plain text, so everybody who may read it has the password. Run prepare again: it takes it from a secret.`,
    ],
    ['no URL', { secrets: [] }, `The ${what} task definition has no secret DATABASE_URL. Run prepare again.`],
    [
      'no mount',
      { mountPoints: [] },
      `The ${what} task definition does not mount the volume zooid-data, where the SQLite file is. Run prepare again.`,
    ],
    [mount.found, { mountPoints: [mount.mountPoint] }, mount.message],
  ];
  return cases.map(([found, change, message]) => ({ check, found, changes: containerWith(task, change), message }));
}

function databaseCases(): Case[] {
  const check = 'the database is a PostgreSQL that is available and lets roles sign in by IAM';
  const id = `${stackName}-db`;
  const good: DatabaseInstance = {
    status: 'available',
    address: TARGET,
    engine: 'postgres',
    engineVersion: '16.4',
    publiclyAccessible: false,
    iamAuthentication: true,
  };
  const cases: [found: string, database: DatabaseInstance | undefined, message: string][] = [
    ['none', undefined, `RDS has no instance ${id}, although the stack names it. Restore it first.`],
    [
      'one that is being made',
      { ...good, status: 'creating', address: null },
      `The database ${id} is "creating"; expected "available". Wait until it is.`,
    ],
    [
      'one that is stopped',
      { ...good, status: 'stopped' },
      `The database ${id} is "stopped"; expected "available". Wait until it is.`,
    ],
    [
      'another engine',
      { ...good, engine: 'mysql', engineVersion: '8.0' },
      `The database ${id} is a mysql 8.0; expected PostgreSQL.`,
    ],
    [
      'one without IAM',
      { ...good, iamAuthentication: false },
      `The database ${id} does not let roles sign in by IAM, so nothing could be verified. Run prepare again: it turns IAM database authentication on.`,
    ],
  ];
  return cases.map(([found, database, message]) => ({
    check,
    found,
    surroundings: { database: async () => database },
    message,
  }));
}

const CASES: Case[] = [
  {
    check: 'the input of the execution has only known keys',
    found: 'an unknown key',
    event: { input: { onfailure: 'hold' } },
    message:
      'The input of the execution is not right: Unrecognized key: "onfailure". Known: onFailure, approve, comment.',
  },
  {
    check: 'the input of the execution has only known keys',
    found: 'something else to do on a failure',
    event: { input: { onFailure: 'retry' } },
    message:
      'The input of the execution is not right: onFailure: Invalid option: expected one of "rollback"|"hold". Known: onFailure, approve, comment.',
  },
  {
    check: 'the input of the execution has only known keys',
    found: 'no object',
    event: { input: null },
    message:
      'The input of the execution is not right: Invalid input: expected object, received null. Known: onFailure, approve, comment.',
  },
  {
    check: 'the stack can be updated',
    found: 'an update under way',
    changes: stackWith((stack) => {
      stack.StackStatus = 'UPDATE_IN_PROGRESS';
    }),
    message: `The stack ${stackName} is in UPDATE_IN_PROGRESS; expected one of CREATE_COMPLETE, UPDATE_COMPLETE, UPDATE_ROLLBACK_COMPLETE, IMPORT_COMPLETE. Let it end, or repair it.`,
  },
  ...(
    [
      [{ desiredCount: 0, runningCount: 0 }, '0 running and 0 pending tasks of 0 desired, and 1 deployment(s)'],
      [{ desiredCount: 2, runningCount: 2 }, '2 running and 0 pending tasks of 2 desired, and 1 deployment(s)'],
      [{ desiredCount: 2 }, '1 running and 0 pending tasks of 2 desired, and 1 deployment(s)'],
      [{ runningCount: 0 }, '0 running and 0 pending tasks of 1 desired, and 1 deployment(s)'],
      [{ pendingCount: 1 }, '1 running and 1 pending tasks of 1 desired, and 1 deployment(s)'],
      [{ deployments: [{}, {}] }, '1 running and 0 pending tasks of 1 desired, and 2 deployment(s)'],
    ] as const
  ).map(([change, words]) => ({
    check: 'the service runs one task and is at rest',
    found: words,
    changes: serviceWith(change as Partial<Service>),
    message: `The service ${FAMILY} has ${words}; expected 1, 0, 1 and 1. Wait until it is stable.`,
  })),
  {
    check: 'the running relay is the one on SQLite',
    found: 'a container of another name',
    changes: containerWith(RELAY_TASK, { name: 'relay' }),
    message: `The task definition ${RELAY_TASK} has no container zooid-relay. Correct the setting names.container.`,
  },
  {
    check: 'the running relay is the one on SQLite',
    found: 'the new image',
    changes: containerWith(RELAY_TASK, { image: newImage }),
    message: `The service runs ${newImage} already: the cutover has been made.`,
  },
  {
    check: 'the running relay is the one on SQLite',
    found: 'no data directory',
    changes: containerWith(RELAY_TASK, { environment: [{ name: 'PORT', value: '3334' }] }),
    message: 'The container zooid-relay has no environment variable DATA: it does not look like the relay on SQLite.',
  },
  {
    check: 'the relay answers',
    found: 'nobody',
    endpoint: () => ({ url: 'ws://127.0.0.1:1' }),
    message:
      'The relay at relay.test does not answer, so nothing can be compared later: ws://127.0.0.1:1 could not be reached: connect ECONNREFUSED 127.0.0.1:1.',
  },
  {
    check: 'the relay answers',
    found: 'a relay of another domain',
    endpoint: () => ({ ...world.endpoint, hostHeader: 'other.test' }),
    message: /^The relay at relay\.test does not answer, so nothing can be compared later: .*404/,
  },
  {
    check: 'the relay answers',
    found: 'no domain',
    changes: parameterWith('RelayDomainName', undefined),
    message:
      'The stack has no value for the parameter RelayDomainName, so the relay cannot be asked. Correct the setting names.domainParameter.',
  },
  {
    check: 'the desired count is a parameter of the template, and is 1',
    found: 'no parameter',
    changes: parameterWith('RelayDesiredCount', undefined),
    message: 'The template has no parameter RelayDesiredCount. Run prepare first: it adds it.',
  },
  {
    check: 'the desired count is a parameter of the template, and is 1',
    found: 'another value',
    changes: parameterWith('RelayDesiredCount', '0'),
    message:
      'The parameter RelayDesiredCount is 0; expected 1. Is another cutover under way, or was one left half done?',
  },
  {
    check: 'the template takes the six edits of the switch',
    found: 'a template without the container',
    changes: templateWith((text) => text.replaceAll('Name: zooid-relay', 'Name: other-relay')),
    message: /^The template cannot be switched to PostgreSQL: .*zooid-relay/,
  },
  {
    check: 'the template takes the six edits of the switch',
    found: 'an image that is no image',
    event: { newImage: 'not an image' },
    message:
      'The template cannot be switched to PostgreSQL: The new image "not an image" is no image reference. Expected registry/name:tag or registry/name@sha256:digest. Correct the setting and start again.',
  },
  {
    check: 'the image of the new relay is there',
    found: 'none',
    surroundings: {
      askRegistry: async (image) => ({ status: 'missing', reason: `registry.test has no image ${image}` }),
    },
    message: `registry.test has no image ${newImage}, so the new relay could not start. Push it, or correct the setting newImage.`,
  },
  ...migratorCases('the migrator reads EFS and has its database URL from a secret', MIGRATION_TASK, 'migration', {
    found: 'a mount for writing',
    mountPoint: { sourceVolume: 'zooid-data', containerPath: '/app/data' },
    message: 'The migration task definition mounts EFS for writing; expected readOnly. Run prepare again.',
  }),
  ...migratorCases('the way back may write to EFS, and has its database URL from a secret', ROLLBACK_TASK, 'rollback', {
    found: 'a mount for reading only',
    mountPoint: { sourceVolume: 'zooid-data', containerPath: '/app/data', readOnly: true },
    message:
      'The rollback task definition mounts EFS for reading only, so the way back could not write to it. Run prepare again.',
  }),
  ...databaseCases(),
];

describe('the checks of preflight', () => {
  it('all have a case here', () => {
    const checks = new Set(CASES.map(({ check }) => check));
    expect(CUTOVER_CHECKS.map(({ title }) => title).sort()).toEqual([...checks].sort());
  });

  it.each(CASES.map((one) => [one.check, one.found, one] as const))(
    '"%s" finds %s',
    async (_check, _found, { changes, event, endpoint, surroundings, message }) => {
      const found = await refusal(preflight(changes, event, endpoint, surroundings));
      if (typeof message === 'string') expect(found).toBe(message);
      else expect(found).toMatch(message);
      expect(found).not.toContain(PASSWORD);
    },
  );

  it('tell all that they find at once', async () => {
    const message = await refusal(
      preflight(
        { ...parameterWith('RelayDesiredCount', '0'), ...serviceWith({ desiredCount: 0, runningCount: 0 }) },
        { input: { a: 1 } },
        () => ({ url: 'ws://127.0.0.1:1' }),
      ),
    );
    expect(message.split(' | ').map((finding) => finding.split(' ').slice(0, 3).join(' '))).toEqual([
      'The input of',
      'The service sphere-zooid-relay-zooid-relay',
      'The relay at',
      'The parameter RelayDesiredCount',
    ]);
  });
});
