import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { ApprovalItem } from '../lambdas/approval/approval-item.ts';
import type { DescribeExecution } from '../lambdas/execution-lock/executions.ts';
import type { ItemStore, LockItem, Versioned } from '../lambdas/execution-lock/lock-store.ts';
import type { Publish } from '../lambdas/notifications.ts';
import type { DatabaseInstance } from '../lambdas/preflight/surroundings.ts';
import type { Handler } from '../rehearsal/aws-integration.ts';
import { createHandlers } from '../rehearsal/handlers.ts';
import type { FunctionName } from '../statemachine/functions.ts';
import { type Cloud, DATABASE_ADDRESS } from './cloud.ts';
import type { Invocation } from './invocation.ts';

export interface FunctionWorld {
  cloud: Cloud;
  describeExecution: DescribeExecution;
  publish: Publish;
  /** Answers of ECS and CloudFormation that are some seconds old, for those who get such. */
  recent: Map<string, { atSeconds: number; answer: object }>;
}

/** What a call of the API changes, so that it can be asked who did it. */
const CHANGING = ['UpdateService', 'StopTask', 'ExecuteChangeSet', 'CancelUpdateStack', 'SetStackPolicy'];

/** Answers that are not older than this may still be given. */
const STALE_SECONDS_MAX = 6;

/**
 * The functions as one invocation of them has them: the real handlers, over clients that belong to this invocation.
 *
 * @param by the execution that calls
 */
export function functionsOf(
  world: FunctionWorld,
  invocation: Invocation,
  { by, isStale }: { by: string; isStale: (() => void) | undefined },
): Record<FunctionName, Handler> {
  const { cloud } = world;
  const { clients, clock, settings } = cloud;
  const clientOf = <Client>(service: 'ecs' | 'cloudformation', client: { send: unknown }): Client => {
    const send = client.send as (command: { constructor: { name: string }; input: object }) => Promise<object>;
    return {
      send: (command: { constructor: { name: string }; input: object }) =>
        invocation.call(service, async () => {
          const action = command.constructor.name.replace(/Command$/, '');
          const isReading = /^(List|Describe|Get)/.test(action);
          const key = isReading ? `${action} ${JSON.stringify(command.input)}` : '';
          const earlier = world.recent.get(key);
          if (isStale && isReading && earlier && clock.seconds() - earlier.atSeconds <= STALE_SECONDS_MAX) {
            isStale();
            return earlier.answer;
          }
          if (CHANGING.includes(action)) await recordChange(world, action, by);
          if (action === 'UpdateService') cloud.isByHand = false;
          const answer = await send(command);
          if (isReading) world.recent.set(key, { atSeconds: clock.seconds(), answer });
          return answer;
        }),
    } as Client;
  };
  const handlers = createHandlers({
    ecs: clientOf<Pick<ECSClient, 'send'>>('ecs', clients.ecs),
    cloudFormation: clientOf<CloudFormationClient>('cloudformation', clients.cloudFormation),
    endpoint: () => ({ url: 'wss://relay.test', connect: () => cloud.relays.connect() }),
    surroundings: {
      database: async (instance) => databaseOf(cloud, instance),
      deregistrationDelaySeconds: async (group) => cloud.ecs.deregistrationDelays.get(group) ?? 0,
      askRegistry: async (image) => ({
        status: 'found',
        pinned: `${image.replace(/[@:][^/]*$/, '')}@sha256:${'c'.repeat(64)}`,
      }),
    },
    networkAndStorage: {
      subnets: async (ids) => ids.map((id, index) => ({ id, zone: `zone-${index}`, freeAddresses: 250 })),
      closedPorts: async () => [],
      fileSystemBytes: async () => 4_096,
      scalableTargets: async () => 0,
      drifted: async () => [],
    },
    fileSystems: {
      describe: (id) =>
        invocation.call('efs', () => (cloud.fileSystems.has(id) ? { bytes: 4_096, state: 'available' } : undefined)),
      mountTargets: async () => [],
      deleteMountTarget: async () => {},
      delete: (id) =>
        invocation.call('efs', async () => {
          await recordChange(world, 'DeleteFileSystem', by);
          cloud.fileSystems.delete(id);
          cloud.file.isGone = true;
        }),
    },
    snapshots: {
      ofInstance: (instance) => invocation.call('rds', () => clients.snapshots.ofInstance(instance)),
      take: (instance, id) => invocation.call('rds', () => clients.snapshots.take(instance, id)),
    },
    connect: (address) =>
      invocation.call('postgres', () => {
        if (address?.host !== DATABASE_ADDRESS.host) throw new Error(`There is no database at ${address?.host}.`);
        return invocation.connection(cloud.postgres.connect().client);
      }),
    artefacts: {
      // Whoever asks waits for the answer, which a map has at once and S3 has not.
      get: (key) => invocation.call('s3', () => clients.artefacts.get(key)) as never,
      has: (key) => clients.artefacts.has(key),
      set: (key, text) => clients.artefacts.set(key, text),
    },
    lock: through<LockItem>(invocation, clients.lock),
    approvals: through<ApprovalItem>(invocation, clients.approvals),
    publish: world.publish,
    describeExecution: (arn) => invocation.call('states', () => world.describeExecution(arn)),
    clock,
  });
  return {
    ...handlers,
    // Authority is changed by statements; who may do so is the lock's affair, as with everything else.
    authority: (async (event: { action: string }) => {
      const before = cloud.postgres.authority()?.holder;
      const answer = await (handlers.authority as (event: unknown) => Promise<unknown>)(event);
      if (cloud.postgres.authority()?.holder !== before) await recordChange(world, `authority ${event.action}`, by);
      return answer;
    }) as Handler,
    ...(settings && {}),
  };
}

function through<Item extends Versioned>(invocation: Invocation, store: ItemStore<Item>): ItemStore<Item> {
  return {
    read: (key) => invocation.call('dynamodb', () => store.read(key)),
    write: (item, version) => invocation.call('dynamodb', () => store.write(item, version)),
  };
}

async function recordChange({ cloud }: FunctionWorld, what: string, by: string): Promise<void> {
  const item = await cloud.lockItem();
  cloud.records.changes.push({
    ...{ atSeconds: cloud.clock.seconds(), what, by },
    lockOwner: item?.owner ?? '',
    lockAgeSeconds: item ? (cloud.clock.now().getTime() - Date.parse(item.since)) / 1000 : 0,
  });
}

function databaseOf({ databases }: Cloud, instance: string): DatabaseInstance | undefined {
  const properties = databases.get(instance);
  return (
    properties && {
      status: 'available',
      address: DATABASE_ADDRESS,
      engine: String(properties.Engine),
      engineVersion: String(properties.EngineVersion),
      publiclyAccessible: false,
      iamAuthentication: properties.EnableIAMDatabaseAuthentication === true,
    }
  );
}
