import type { Service } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkAndStorage } from '../../lambdas/preflight/network-and-storage.ts';
import { PREPARE_CHECKS } from '../../lambdas/preflight/prepare-checks.ts';
import type { PrepareEvent } from '../../lambdas/preflight/prepare-world.ts';
import { RELAY_CHECKS } from '../../lambdas/preflight/relay-checks.ts';
import type { DatabaseInstance, Surroundings } from '../../lambdas/preflight/surroundings.ts';
import { createHandler, type Preparation } from '../../lambdas/preflight-prepare.ts';
import { addRdsEdits } from '../../lambdas/template-edits/add-rds.ts';
import type { World } from '../../rehearsal/world.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { bundledTemplate } from '../support/prepared-template.ts';
import {
  type Changes,
  clientsOf,
  PASSWORD,
  type RelayWorld,
  refusal,
  relayWorld,
  SECRET_KEY,
} from '../support/relay-world.ts';

const settings = parseSettings();
const { stackName, newImage, migratorImage } = settings;
const EVENT: PrepareEvent = { input: {}, stackName, settings };
const DATABASE = `${stackName}-db`;

let world: World;
let remove: RelayWorld['remove'];
beforeAll(async () => {
  ({ world, remove } = await relayWorld(bundledTemplate));
});
afterAll(() => remove());

interface Otherwise {
  changes?: Changes;
  event?: Partial<PrepareEvent>;
  surroundings?: Partial<Surroundings>;
  network?: Partial<NetworkAndStorage>;
}

function preflight({ changes = {}, event, surroundings, network }: Otherwise = {}): Promise<Preparation> {
  return createHandler({
    ...clientsOf(world, changes),
    endpoint: () => world.endpoint,
    surroundings: { ...world.surroundings, ...surroundings },
    networkAndStorage: { ...world.networkAndStorage, ...network },
  })({ ...EVENT, ...event });
}

const digest = (image: string) => `${image.split(':')[0]}@sha256:${'d'.repeat(64)}`;
const templateWith = (change: (text: string) => string): Changes => ({
  GetTemplate: ({ TemplateBody }: { TemplateBody: string }) => ({ TemplateBody: change(TemplateBody) }),
});

describe('preflight-prepare', () => {
  it('says what the change set will do to the template, and which image the migrator is', async () => {
    const askRegistry = async (image: string) => ({ status: 'found' as const, pinned: digest(image) });
    const preparation = await preflight({ surroundings: { askRegistry } });
    expect(preparation).toEqual({
      migratorImage: digest(migratorImage),
      // A new database lets roles sign in by IAM from the first.
      preview: {
        edits: addRdsEdits(settings).flatMap(({ title }) => (/by IAM/.test(title) ? [] : [title])),
        lines: expect.any(Array),
      },
      fileSystemBytes: expect.any(Number),
      notes: [],
    });
    expect(preparation.preview.lines).toEqual(
      expect.arrayContaining([
        '-      DesiredCount: 1',
        '+      DesiredCount: !Ref RelayDesiredCount',
        '+  RDSInstance:',
      ]),
    );
    expect(preparation.fileSystemBytes).toBeGreaterThan(1_000_000);
  });

  it('goes on with the tag, and says so, where a registry tells nobody', async () => {
    const askRegistry = async (image: string) => ({ status: 'unknown' as const, reason: `nobody knows ${image}` });
    expect(await preflight({ surroundings: { askRegistry } })).toMatchObject({
      migratorImage,
      notes: [`nobody knows ${newImage}`, `nobody knows ${migratorImage}`],
    });
  });

  it('looks for drift in what the edits change', async () => {
    const asked: unknown[] = [];
    await preflight({
      network: {
        drifted: async (...args) => {
          asked.push(args);
          return [];
        },
      },
    });
    expect(asked).toEqual([[stackName, ['ZooidRelayService', 'ZooidRelayTaskDefinition', 'ALBTargetGroup']]]);
  });

  it('shows no secret, neither in what it gives nor in its words', async () => {
    const said = [
      JSON.stringify(await preflight()),
      await refusal(preflight({ changes: templateWith((text) => text.replace('DesiredCount: 1', 'DesiredCount: 5')) })),
    ].join('\n');
    for (const secret of [SECRET_KEY, PASSWORD]) expect(said).not.toContain(secret);
  });
});

interface Case extends Otherwise {
  check: string;
  found: string;
  message: string | RegExp;
}

const instance: DatabaseInstance = {
  status: 'available',
  address: { host: 'db', port: 5432, database: 'zooid' },
  engine: 'postgres',
  engineVersion: '16.4',
  publiclyAccessible: false,
  iamAuthentication: true,
};

const CASES: Case[] = [
  {
    check: 'the template takes the edits that add the database, and then those of the switch',
    found: 'a count that no edit knows',
    changes: templateWith((text) => text.replace('DesiredCount: 1', 'DesiredCount: 5')),
    message:
      /^The template cannot be edited: "Take the desired count of the service from RelayDesiredCount" \(runbook 5a\)/,
  },
  {
    check: 'the template takes the edits that add the database, and then those of the switch',
    found: 'another volume, which only the switch minds',
    changes: templateWith((text) => text.replace('      Volumes:\n', '      Volumes:\n        - Name: more\n')),
    message: /^The template cannot be edited: "Remove the volumes from the task definition"/,
  },
  {
    check: 'nobody has changed by hand what the edits will change',
    found: 'a service and a target group',
    network: {
      drifted: async () => [
        { logicalId: 'ZooidRelayService', properties: ['/DesiredCount'] },
        { logicalId: 'ALBTargetGroup', properties: ['/Matcher', '/Port'] },
      ],
    },
    message:
      "The stack's template says otherwise than the world about ZooidRelayService (/DesiredCount), ALBTargetGroup (/Matcher, /Port): a change set would undo that, or rest on it. Bring template and world together, deploy, and start again.",
  },
  {
    check: 'nothing scales the service',
    found: 'a scaling target',
    network: { scalableTargets: async () => 1 },
    message: `1 scaling target(s) of Application Auto Scaling may start tasks of ${stackName}-zooid-relay at any time, during the write stop too. Deregister them first.`,
  },
  {
    check: 'the images are there',
    found: 'neither',
    surroundings: {
      askRegistry: async (image) => ({ status: 'missing', reason: `registry.test has no image ${image}` }),
    },
    message: `registry.test has no image ${newImage}, and registry.test has no image ${migratorImage}. Push it, or correct the settings newImage and migratorImage.`,
  },
  {
    check: 'the subnets have room, in two availability zones',
    found: 'one that is nearly full',
    network: {
      subnets: async () => [
        { id: 'subnet-1', zone: 'a', freeAddresses: 250 },
        { id: 'subnet-2', zone: 'b', freeAddresses: 7 },
      ],
    },
    message:
      'The subnet subnet-2 has 7 free addresses; expected at least 8 in each. Free some, or add subnets to the setting names.subnets.',
  },
  {
    check: 'the subnets have room, in two availability zones',
    found: 'both in one zone',
    network: {
      subnets: async () => [
        { id: 'subnet-1', zone: 'a', freeAddresses: 250 },
        { id: 'subnet-2', zone: 'a', freeAddresses: 250 },
      ],
    },
    message:
      'The subnets PublicSubnet1, PublicSubnet2 lie in 1 availability zone(s); expected 2, since RDS wants as many. Add one of another zone to the setting names.subnets.',
  },
  {
    check: 'the security group lets tasks reach HTTPS, EFS and PostgreSQL',
    found: 'closed ports',
    network: { closedPorts: async (_, ports) => ports.slice(1) },
    message: 'The security group ECSSecurityGroup has no egress rule for the TCP port(s) 2049, 5432. Add one.',
  },
  {
    check: 'the files fit into the scratch space of the migrator',
    found: 'more than fits',
    network: { fileSystemBytes: async () => 16.5 * 2 ** 30 },
    message:
      'The file system holds 16.5 GiB, and the migrator copies the SQLite file into 20 GiB of ephemeral storage, of which about 5 are taken. Set migrationTask.ephemeralStorageGibibytes to 22 or more (at most 200).',
  },
  {
    check: 'the name of the database is free, or the database is of this stack and PostgreSQL',
    found: 'an instance of somebody else',
    surroundings: { database: async () => instance },
    message: `RDS has an instance ${DATABASE} already, which is not of this stack: a failed update may have left it. Import it into the stack, or turn its deletion protection off and delete it.`,
  },
];

describe('the checks of preflight-prepare', () => {
  it('are those of every preflight, and more, which all have a case here', () => {
    const own = PREPARE_CHECKS.filter((check) => !RELAY_CHECKS.includes(check as never)).map(({ title }) => title);
    expect(own).toEqual([...new Set(CASES.map(({ check }) => check))]);
    expect(PREPARE_CHECKS.slice(0, RELAY_CHECKS.length)).toEqual(RELAY_CHECKS);
  });

  it.each(CASES.map((one) => [one.check, one.found, one] as const))('"%s" finds %s', async (_check, _found, one) => {
    const found = await refusal(preflight(one));
    if (typeof one.message === 'string') expect(found).toBe(one.message);
    else expect(found).toMatch(one.message);
  });

  it('take more scratch space where the settings give it', async () => {
    const network = { fileSystemBytes: async () => 16.5 * 2 ** 30 };
    const migrationTask = { cpuUnits: 512, memoryMebibytes: 1_024, ephemeralStorageGibibytes: 22 };
    expect(await preflight({ network, event: { settings: { ...settings, migrationTask } } })).toMatchObject({
      notes: expect.any(Array),
    });
  });

  it('tell all that they find at once', async () => {
    const message = await refusal(
      preflight({
        event: { input: { a: 1 } },
        changes: {
          DescribeServices: ({ services: [service] }: { services: [Service] }) => ({
            services: [{ ...service, runningCount: 0 }],
          }),
        },
        network: { scalableTargets: async () => 2, closedPorts: async () => [443] },
      }),
    );
    expect(message.split(' | ').map((finding) => finding.split(' ').slice(0, 3).join(' '))).toEqual([
      'The input of',
      `The service ${stackName}-zooid-relay`,
      '2 scaling target(s)',
      'The security group',
    ]);
  });
});
