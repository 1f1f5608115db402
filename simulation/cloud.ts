import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { ApprovalItem, ApprovalStore } from '../lambdas/approval/approval-item.ts';
import type { LockItem, LockStore } from '../lambdas/execution-lock/lock-store.ts';
import { createCloudFormation, type LocalCloudFormation } from '../rehearsal/cloudformation/local-cloudformation.ts';
import { madeUpResources } from '../rehearsal/cloudformation/made-up-resources.ts';
import { providersByType, type ResolvedResource, type ResourceProvider } from '../rehearsal/cloudformation/provider.ts';
import { createEcs, type LocalEcs } from '../rehearsal/ecs/local-ecs.ts';
import { ecsProviders } from '../rehearsal/ecs/providers.ts';
import type { RunningTask, TaskStart } from '../rehearsal/ecs/tasks.ts';
import { memoryLockStore } from '../rehearsal/lock-store.ts';
import { ACCOUNT_ID } from '../rehearsal/names.ts';
import { createSecrets } from '../rehearsal/secrets.ts';
import { createSnapshots } from '../rehearsal/snapshots.ts';
import type { JsonObject } from '../statemachine/asl.ts';
import type { Settings } from '../statemachine/settings.ts';
import { createVirtualClock, type VirtualClock } from './clock.ts';
import { runMigrator } from './migrator.ts';
import { createPostgres, type ModelConnection, type Postgres } from './postgres.ts';
import type { Randomness } from './randomness.ts';
import { emptyRecords, type Records, type Store } from './records.ts';
import { DOMAIN, RELAY_SECRET } from './relay-template.ts';
import { createRelays, type Relay, type Relays } from './relays.ts';
import { EVENTS, type Tables } from './rows.ts';
import { createSqliteFile, type SqliteFile } from './sqlite-file.ts';
import { type Program, startModelTask } from './tasks.ts';

export const DATABASE_ADDRESS = { host: 'db.internal', port: 5432, database: 'zooid' };
/** What must stand in no history either. */
export const DATABASE_PASSWORD = 'password-of-the-database';

/** What the next tasks of the migrator meet with. */
export interface TaskFate {
  how: 'does not start' | 'killed' | 'hangs' | 'database restarts' | 'errs';
  /** Before which of its steps, counted from 1. */
  step: number;
  struck(): void;
}

/** What the next updates of the stack meet with. */
export interface UpdateFate {
  how: 'fails' | 'never ends' | 'circuit breaker';
  struck(): void;
}

/** The piece of AWS in which a run takes place. */
export interface Cloud {
  settings: Settings;
  clock: VirtualClock;
  file: SqliteFile;
  postgres: Postgres;
  records: Records;
  relays: Relays;
  ecs: LocalEcs;
  cloudFormation: LocalCloudFormation;
  /** What the functions work with; they see it through an invocation of their own. */
  clients: {
    ecs: Pick<ECSClient, 'send'>;
    cloudFormation: CloudFormationClient;
    lock: LockStore;
    approvals: ApprovalStore;
    artefacts: Map<string, string>;
    snapshots: ReturnType<typeof createSnapshots>;
  };
  lockItem(): Promise<LockItem | undefined>;
  taskFate: TaskFate | undefined;
  updateFate: UpdateFate | undefined;
  /** So many relays on PostgreSQL end right after their start. */
  crashes: { left: number; struck(): void } | undefined;
  /** How the person who is asked next answers; without it he approves. */
  approval: 'reject' | 'late' | 'twice' | 'never' | undefined;
  /** Nothing goes wrong any more: what has not ended ends. */
  areFaultsGone: boolean;
  /** How long a container takes to end. */
  stopSeconds: number;
  /** A person has scaled or deployed last, and not a machine. */
  isByHand: boolean;
  /** Hears what containers say. */
  log(line: string): void;
  databases: Map<string, JsonObject>;
  fileSystems: Set<string>;
}

export function createCloud(settings: Settings, randomness: Randomness, log: (line: string) => void): Cloud {
  const clock = createVirtualClock();
  const records = emptyRecords();
  const file = createSqliteFile();
  const postgres = createPostgres(clock, (message) => {
    records.misunderstood.push(message);
  });
  const relays = createRelays({ clock, file, postgres, records });
  const place = { region: settings.region, accountId: ACCOUNT_ID };
  const accountArn = `arn:aws:ecs:${settings.region}:${ACCOUNT_ID}`;
  let numbers = 0;
  const ecs = createEcs(
    {
      clock,
      accountArn,
      startTask(start) {
        numbers += 1;
        const startSeconds = (): number => 20 + randomness.below(25);
        const stopSeconds = (): number => cloud.stopSeconds;
        return startModelTask({ clock, accountArn, startSeconds, stopSeconds, begin }, start, numbers);
      },
    },
    { port: 0, target: undefined, close: async () => {} },
  );
  const madeUp = madeUpResources(place);
  const url = `postgres://zooid:${DATABASE_PASSWORD}@${DATABASE_ADDRESS.host}/zooid`;
  const secrets = createSecrets({
    [settings.names.databaseUrlSecret]: url,
    [settings.names.databasePassword]: DATABASE_PASSWORD,
  });
  const databases: Cloud['databases'] = new Map();
  const fileSystems: Cloud['fileSystems'] = new Set();
  const cloudFormation = createCloudFormation({
    clock,
    ...place,
    resolveSecret: async (id) => secrets.value(id),
    resources: fatefully(
      providersByType(
        {
          ...ecsProviders(ecs, madeUp),
          'AWS::SecretsManager::Secret': secrets.provider(madeUp),
          'AWS::RDS::DBInstance': remembering(madeUp, (id, properties) => databases.set(id, properties)),
          'AWS::EFS::FileSystem': remembering(madeUp, (id) => fileSystems.add(id)),
        },
        madeUp,
      ),
      () => cloud,
    ),
  });
  const lock = memoryLockStore();
  const cloud: Cloud = {
    ...{ settings, clock, file, postgres, records, relays, ecs, cloudFormation, databases, fileSystems, log },
    clients: {
      ecs: clientOf((action, input) => ecs.call(action, input)) as unknown as Pick<ECSClient, 'send'>,
      cloudFormation: clientOf((action, input) =>
        cloudFormation.call(action, input),
      ) as unknown as CloudFormationClient,
      lock,
      approvals: memoryLockStore<ApprovalItem>(),
      artefacts: new Map(),
      snapshots: createSnapshots(clock),
    },
    lockItem: () => lock.read(settings.stackName),
    ...{
      taskFate: undefined,
      updateFate: undefined,
      crashes: undefined,
      isByHand: false,
      stopSeconds: 1,
      areFaultsGone: false,
      approval: undefined,
    },
  };

  function begin(task: RunningTask, start: TaskStart): Program {
    const container = start.definition.containerDefinitions[0];
    const isRelay = container?.name === settings.names.container;
    return isRelay ? beginRelay(cloud, task, start) : beginMigrator(cloud, task, start);
  }
  return cloud;
}

function beginRelay(cloud: Cloud, task: RunningTask, start: TaskStart): Program {
  const { relays, settings, file } = cloud;
  const { environment = [] } = start.definition.containerDefinitions[0] ?? {};
  const isSqlite = environment.some(({ name }) => name === settings.names.dataVariable);
  const store: Store = isSqlite ? 'sqlite' : 'postgres';
  if (isSqlite && file.isGone) throw new Error('ResourceInitializationError: failed to invoke EFS utils commands');
  const { crashes } = cloud;
  if (!isSqlite && crashes && crashes.left > 0) {
    crashes.left -= 1;
    crashes.struck();
    return { done: cloud.clock.sleep(2).then(() => 1), drain() {}, end() {} };
  }
  const byHand = task.group.startsWith('family:') || cloud.isByHand;
  const image = String(start.definition.containerDefinitions[0]?.image);
  const relay: Relay = { name: task.taskArn, image, store, byHand, isTarget: start.target !== undefined };
  relays.start(relay);
  return {
    done: new Promise(() => {}),
    drain() {
      relay.isTarget = false;
    },
    end: () => relays.stop(relay),
  };
}

function beginMigrator(cloud: Cloud, task: RunningTask, start: TaskStart): Program {
  const { clock, file, postgres, relays, records } = cloud;
  const fate = cloud.taskFate;
  cloud.taskFate = undefined;
  if (fate?.how === 'does not start') {
    fate.struck();
    throw new Error('CannotPullContainerError: pull image manifest has been retried 5 time(s)');
  }
  const [override] = start.overrides ?? [];
  const mode = override?.command?.[0] ?? '';
  const environment = new Map((override?.environment ?? []).map(({ name, value }) => [name, value]));
  const killed = new AbortController();
  const written: Record<string, Store> = { reconcile: 'postgres', reverse: 'sqlite' };
  const store = written[mode];
  if (store) relays.migrators.set(`migrator ${mode} ${task.taskArn}`, store);
  if (fate?.how === 'errs') fate.struck();
  let connection: ModelConnection | undefined;
  let steps = 0;
  const step = async (): Promise<void> => {
    steps += 1;
    const mine = fate?.step === steps ? fate : undefined;
    if (mine) {
      mine.struck();
      if (mine.how === 'killed') task.kill();
      if (mine.how === 'database restarts') postgres.restart(15);
      if (mine.how === 'hangs') await clock.sleep(100_000, killed.signal);
    }
    await clock.sleep(2, killed.signal);
  };
  const world = {
    ...{ clock, file, postgres, step, log: cloud.log, errs: fate?.how === 'errs' },
    connect() {
      connection = postgres.connect();
      return connection;
    },
    archive: (tables: Tables) => {
      records.archived = new Set(tables[EVENTS].keys());
    },
  };
  const done = runMigrator(world, mode, environment);
  return {
    done,
    drain() {},
    end() {
      // First: what is killed says nothing more to the database.
      connection?.close();
      killed.abort(new Error('killed'));
      relays.migrators.delete(`migrator ${mode} ${task.taskArn}`);
    },
  };
}

/** Gives a local service the face of the SDK's client. */
function clientOf(call: (action: string, input: JsonObject) => Promise<object>) {
  return {
    send: (command: { constructor: { name: string }; input: object }) =>
      call(command.constructor.name.replace(/Command$/, ''), structuredClone(command.input) as JsonObject),
    destroy() {},
  };
}

function remembering(
  names: ResourceProvider,
  remember: (id: string, properties: JsonObject) => void,
): ResourceProvider {
  return {
    async create(resource, signal) {
      const made = await names.create(resource, signal);
      remember(made.physicalId, resource.properties);
      return made;
    },
    async update(resource, signal) {
      const made = await names.update(resource, signal);
      remember(made.physicalId, resource.properties);
      return made;
    },
    delete: (resource, signal) => names.delete(resource, signal),
  };
}

/** What updates are about: an update that changes none of these has nothing that takes long. */
const SLOW_TYPES = ['AWS::ECS::Service', 'AWS::RDS::DBInstance', 'AWS::IAM::Role'];

/** The next update meets with its fate at the first resource that takes long. */
function fatefully(resources: ResourceProvider, cloudOf: () => Cloud): ResourceProvider {
  const meet = async ({ type }: ResolvedResource, signal: AbortSignal | undefined): Promise<void> => {
    const cloud = cloudOf();
    const fate = cloud?.updateFate;
    // Without a signal CloudFormation sets something back, and that succeeds.
    if (!fate || !signal || !SLOW_TYPES.includes(type)) return;
    cloud.updateFate = undefined;
    fate.struck();
    await cloud.clock.sleep(20);
    while (fate.how === 'never ends' && !cloud.areFaultsGone && !signal.aborted) await cloud.clock.sleep(60);
    const breaker = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.";
    throw new Error(`Resource handler returned message: "${fate.how === 'fails' ? 'Internal Failure' : breaker}"`);
  };
  return {
    async create(resource, signal) {
      await meet(resource, signal);
      return resources.create(resource, signal);
    },
    async update(resource, signal) {
      await meet(resource, signal);
      return resources.update(resource, signal);
    },
    delete: (resource, signal) => resources.delete(resource, signal),
  };
}

export const STACK_PARAMETERS = { RelaySecretKey: RELAY_SECRET, RelayDomainName: DOMAIN };
