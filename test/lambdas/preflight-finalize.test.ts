import type { Service, TaskDefinition } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FINALIZE_CHECKS } from '../../lambdas/preflight/finalize-checks.ts';
import type { RelayWorldEvent } from '../../lambdas/preflight/relay-world.ts';
import {
  createHandler,
  type FinalizePlan,
  type PreflightFinalizeDependencies,
} from '../../lambdas/preflight-finalize.ts';
import { applyEdits } from '../../lambdas/template-edits/apply.ts';
import { switchTemplate } from '../../lambdas/template-edits/back.ts';
import { removeEfsEdits } from '../../lambdas/template-edits/remove-efs.ts';
import type { World } from '../../rehearsal/world.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { preparedTemplate } from '../support/prepared-template.ts';
import {
  type Changes,
  clientsOf,
  DOMAIN,
  type RelayWorld,
  refusal,
  relayWorld,
  TARGET,
} from '../support/relay-world.ts';

const settings = parseSettings();
const { names, stackName, newImage } = settings;
const EVENT: RelayWorldEvent = { input: {}, stackName, names, newImage, sampleEvents: 32 };
const ARCHIVE = { bucket: 'artefacts', taskRole: 'arn:aws:iam::123456789012:role/archive' };
const SWITCHED = switchTemplate(preparedTemplate, names, newImage).text;
const PINNED = `${newImage.split(':')[0]}@sha256:${'a'.repeat(64)}`;

let world: World;
let remove: RelayWorld['remove'];
// Nobody reaches a database here, so the relay that answers is the one on SQLite; what of it is looked at is changed on the way.
beforeAll(async () => {
  ({ world, remove } = await relayWorld(preparedTemplate));
});
afterAll(() => remove());

/** As a cutover has left it, with some of the answers changed on the way. */
function preflight(
  changes: Changes = {},
  event: Partial<RelayWorldEvent> = {},
  dependencies: Partial<PreflightFinalizeDependencies> = {},
): Promise<FinalizePlan> {
  return createHandler({
    ...clientsOf(world, { ...onPostgres(), ...templateOf(SWITCHED), ...changes }),
    endpoint: () => world.endpoint,
    surroundings: world.surroundings,
    fileSystems: world.fileSystems,
    archive: () => ARCHIVE,
    ...dependencies,
  })({ ...EVENT, ...event });
}

const templateOf = (text: string): Changes => ({ GetTemplate: () => ({ TemplateBody: text }) });
/** The container of the relay as the switch leaves it. */
const onPostgres = (change: object = {}): Changes => ({
  DescribeTaskDefinition: ({ taskDefinition }: { taskDefinition: TaskDefinition }) => {
    const [container] = taskDefinition.containerDefinitions ?? [];
    if (container?.name !== names.container) return { taskDefinition };
    const environment = container.environment?.filter(({ name }) => name !== names.dataVariable);
    const secrets = [{ name: names.databaseUrlVariable, valueFrom: 'arn:secret' }];
    return {
      taskDefinition: { ...taskDefinition, containerDefinitions: [{ ...container, environment, secrets, ...change }] },
    };
  },
});
const without = (...logicalIds: string[]): Changes => ({
  DescribeStackResources: ({ StackResources }: { StackResources: { LogicalResourceId: string }[] }) => ({
    StackResources: StackResources.filter(({ LogicalResourceId }) => !logicalIds.includes(LogicalResourceId)),
  }),
});
const runningImage = (image: string): Changes => ({
  DescribeStacks: ({ Stacks: [stack] }: { Stacks: [{ Parameters: { ParameterKey: string }[] }] }) => {
    const others = stack.Parameters.filter(({ ParameterKey }) => ParameterKey !== names.imageParameter);
    return {
      Stacks: [{ ...stack, Parameters: [...others, { ParameterKey: names.imageParameter, ParameterValue: image }] }],
    };
  },
});

describe('the preflight of finalize', () => {
  it('resolves the names, and shows what the edits change', async () => {
    const plan = await preflight();
    const resources = world.cloudFormation.stackResources(stackName);
    expect(plan).toEqual({
      cluster: resources.ECSCluster,
      service: `${stackName}-zooid-relay`,
      domain: DOMAIN,
      target: TARGET,
      database: `${stackName}-db`,
      isRemoved: false,
      fileSystem: resources.EFSFileSystem,
      migration: {
        taskDefinition: resources.MigrationTaskDefinition,
        subnets: [resources.PublicSubnet1, resources.PublicSubnet2],
        securityGroups: [resources.ECSSecurityGroup],
      },
      migrationFamilies: [`${stackName}-migrate`, `${stackName}-rollback`],
      archive: { ...ARCHIVE, prefix: `archive/${stackName}` },
      imageDefault: null,
      samples: expect.arrayContaining([{ id: expect.any(String), sig: expect.any(String) }]),
      preview: {
        edits: expect.arrayContaining(['Remove the output EFSFileSystemId', 'Remove the resource EFSFileSystem']),
        lines: expect.arrayContaining(['-  EFSFileSystem:']),
      },
    });
  });

  it('goes on where the file system has left the stack already', async () => {
    const removed = applyEdits(SWITCHED, removeEfsEdits(names)).text;
    const gone = [...names.mountTargets, names.fileSystem, names.accessPoint, names.migrationTaskDefinition];
    expect(await preflight({ ...without(...gone), ...templateOf(removed) })).toMatchObject({
      isRemoved: true,
      fileSystem: null,
      migration: null,
      preview: { edits: [], lines: [] },
    });
  });

  it('sets the default of the image only while the stack runs the image of the cutover', async () => {
    const other = SWITCHED.replaceAll(
      `Default: ${newImage}`,
      'Default: ghcr.io/unicitynetwork/unicity-relay:sha-44d3ff3',
    );
    expect(other).not.toBe(SWITCHED);
    expect(await preflight({ ...templateOf(other), ...runningImage(PINNED) })).toMatchObject({
      imageDefault: newImage,
      preview: { edits: expect.arrayContaining([expect.stringContaining('Set the default of ContainerImage')]) },
    });
    const moved = { ...templateOf(other), ...runningImage('ghcr.io/unicitynetwork/unicity-relay:pg-2') };
    expect(await preflight(moved)).toMatchObject({ imageDefault: null });
    expect(await preflight(runningImage(PINNED))).toMatchObject({ imageDefault: null });
  });

  it.each<[string, Parameters<typeof preflight>, string]>([
    ['an input with a key of its own', [{}, { input: { confidenceDays: 0 } }], 'Unrecognized key: "confidenceDays"'],
    [
      'a service that is not at rest',
      [
        {
          DescribeServices: ({ services: [one] }: { services: [Service] }) => ({
            services: [{ ...one, pendingCount: 1 }],
          }),
        },
      ],
      'has 1 running and 1 pending tasks of 1 desired',
    ],
    [
      'a relay on SQLite',
      [onPostgres({ environment: [{ name: 'DATA', value: '/app/data' }] })],
      'The container zooid-relay has the environment variable DATA: the relay serves from SQLite; expected the one on PostgreSQL, after a cutover.',
    ],
    ['a relay on nothing', [onPostgres({ secrets: [] })], 'it does not look like the relay on PostgreSQL.'],
    [
      'a relay that does not answer',
      [{}, {}, { endpoint: () => ({ url: 'ws://127.0.0.1:1' }) }],
      `The relay at ${DOMAIN} does not answer, so nothing can be compared later: `,
    ],
    [
      'a database that is not available',
      [{}, {}, { surroundings: { database: async () => undefined } }],
      `RDS has no instance ${stackName}-db`,
    ],
    [
      'a template that is not switched',
      [templateOf(preparedTemplate)],
      'The file system cannot be taken out of the template: ',
    ],
    [
      'a file system that would be deleted',
      [templateOf(SWITCHED.replace(/(EFSFileSystem:\n(?:.*\n)*?) {4}DeletionPolicy: Retain\n/, '$1'))],
      'The resource EFSFileSystem has the DeletionPolicy Delete (none is named): it would be deleted with the change set.',
    ],
    [
      'a file system that is gone',
      [{}, {}, { fileSystems: { describe: async () => undefined } }],
      'EFS has no file system fs-',
    ],
    [
      'a migrator that is gone',
      [without(names.migrationTaskDefinition)],
      'The stack has no resource MigrationTaskDefinition, so nothing can archive the file system.',
    ],
  ])('refuses %s', async (_, [changes, event, dependencies], finding) => {
    const said = await refusal(preflight(changes, event, dependencies));
    expect(said).toContain(finding);
    expect(said.split(' | ')).toHaveLength(1);
  });

  it('tells all findings at once', async () => {
    const said = await refusal(
      preflight(
        templateOf(preparedTemplate),
        { input: { x: 1 } },
        { fileSystems: { describe: async () => undefined } },
      ),
    );
    expect(said.split(' | ')).toHaveLength(3);
    expect(FINALIZE_CHECKS.length).toBeGreaterThan(7);
  });
});
