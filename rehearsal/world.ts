import { join } from 'node:path';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { type AnswerApprovalResult, createHandler as answerApproval } from '../lambdas/answer-approval.ts';
import type { ApprovalItem } from '../lambdas/approval/approval-item.ts';
import type { DescribeExecution } from '../lambdas/execution-lock/executions.ts';
import type { FileSystems } from '../lambdas/file-systems.ts';
import type { Publish } from '../lambdas/notifications.ts';
import type { NetworkAndStorage } from '../lambdas/preflight/network-and-storage.ts';
import type { Surroundings } from '../lambdas/preflight/surroundings.ts';
import type { Snapshots } from '../lambdas/snapshots.ts';
import type { JsonObject } from '../statemachine/asl.ts';
import type { Settings } from '../statemachine/settings.ts';
import { awsIntegration } from './aws-integration.ts';
import { bundledProgram } from './bundled-program.ts';
import type { Clock } from './clock.ts';
import { cloudFormationClient } from './cloudformation/client.ts';
import { withFailingUpdates } from './cloudformation/failing-updates.ts';
import { createCloudFormation, type LocalCloudFormation } from './cloudformation/local-cloudformation.ts';
import { madeUpResources } from './cloudformation/made-up-resources.ts';
import { providersByType } from './cloudformation/provider.ts';
import { createDatabases } from './databases.ts';
import type { Program } from './ecs/container.ts';
import { createEcs, type LocalEcs } from './ecs/local-ecs.ts';
import { ecsProviders } from './ecs/providers.ts';
import { startTask, type TaskWorld } from './ecs/tasks.ts';
import { createFileSystems } from './file-system.ts';
import { createHandlers } from './handlers.ts';
import type { Integration } from './interpreter/execution.ts';
import { createTaskTokens, type TaskTokens } from './interpreter/task-tokens.ts';
import { startLoadBalancer } from './load-balancer.ts';
import { memoryLockStore } from './lock-store.ts';
import { ACCOUNT_ID, functionArn } from './names.ts';
import { type ObjectStore, startObjectStore } from './object-store.ts';
import { relayProgram } from './relay/program.ts';
import { createSecrets } from './secrets.ts';
import { createSnapshots } from './snapshots.ts';
import { localNetworkAndStorage, localSurroundings } from './surroundings.ts';
import type { RehearsalTarget } from './target-database.ts';
import { createWritersLog, type WritersLog } from './writers-log.ts';

/** The piece of AWS in which a rehearsal takes place. */
export interface World {
  cloudFormation: LocalCloudFormation;
  ecs: LocalEcs;
  /** Where clients reach the relay. */
  endpoint: { url: string; hostHeader: string };
  integration: Integration;
  /** By which Step Functions is told that a task which waits for a person has its answer. */
  taskTokens: TaskTokens;
  /** What a person's command calls to approve or reject a cutover. */
  answerApproval(event: unknown): Promise<AnswerApprovalResult>;
  /** What the preflights see beside the stack. */
  surroundings: Surroundings;
  networkAndStorage: NetworkAndStorage;
  /** Where the archive of the file system goes. */
  objectStore: ObjectStore;
  fileSystems: FileSystems;
  snapshots: Snapshots;
  /** Programs in place of those that stand for an image; `missing`: the image cannot be pulled. */
  programs: Map<string, Program | 'missing'>;
  /** Reasons for which the next update of a resource type fails; `never ends`: it goes on until it is cancelled. */
  failingUpdates: Map<string, string>;
  /** Which programs that write ran at the same time. */
  writersLog: WritersLog;
  /** The last lines of a container's log, for a program that did not come up. */
  lastLines(container: string): string[];
  /** Called with each line of a container's log. */
  logListeners: Set<(container: string, line: string) => void>;
  stop(): Promise<void>;
}

/** Command lines of real relay programs in place of the stand-ins: the old one on SQLite, the new one on PostgreSQL. */
export interface RelayCommands {
  old?: string;
  new?: string;
}

export interface WorldOptions {
  clock: Clock;
  settings: Settings;
  target: RehearsalTarget;
  /** Directory that stands for the EFS file system. */
  efsDirectory: string;
  scratchDirectory: string;
  domain: string;
  relayCommands?: RelayCommands;
  /** How an execution stands, by its ARN; without it every one is taken for running. */
  describeExecution?: DescribeExecution;
  /** Stands for the topic; without it messages go nowhere. */
  publish?: Publish;
  onLog(container: string, line: string): void;
}

/** As measured in the cloud: most of it is the image's pull. */
const TASK_START_SECONDS = 30;

const LAST_LINES_MAX = 5;

export async function createWorld(options: WorldOptions): Promise<World> {
  const { clock, settings, target, domain } = options;
  const place = { region: settings.region, accountId: ACCOUNT_ID };
  const balancer = await startLoadBalancer();
  const madeUp = madeUpResources(place);
  const objectStore = await startObjectStore(join(options.scratchDirectory, 'object-store'));
  const fileSystems = createFileSystems(options.efsDirectory);
  const snapshots = createSnapshots(clock);
  const databases = createDatabases(target.address);
  const secrets = createSecrets({ [settings.names.databaseUrlSecret]: target.url });
  const programs: World['programs'] = new Map();
  const logListeners: World['logListeners'] = new Set();
  const failingUpdates: World['failingUpdates'] = new Map();
  const writersLog = createWritersLog(settings.names);
  const lastLines = new Map<string, string[]>();
  const taskWorld: TaskWorld = {
    clock,
    startSeconds: TASK_START_SECONDS,
    accountArn: `arn:aws:ecs:${settings.region}:${ACCOUNT_ID}`,
    host: {
      programFor: (image) => {
        const program = programs.get(image) ?? programFor(image, settings, options.relayCommands ?? {});
        return program === 'missing' ? undefined : program;
      },
      volumeDirectory: () => options.efsDirectory,
      secretValue: secrets.value,
      environment: {
        ...{ PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TMPDIR: options.scratchDirectory },
        ...awsEnvironment(settings, objectStore),
      },
      onStart: writersLog.onStart,
      onLog(container, line) {
        options.onLog(container, line);
        lastLines.set(container, [...(lastLines.get(container) ?? []), line].slice(-LAST_LINES_MAX));
        for (const listener of logListeners) listener(container, line);
      },
    },
  };
  const { accountArn } = taskWorld;
  const ecs = createEcs({ clock, accountArn, startTask: (start) => startTask(taskWorld, start) }, balancer);
  const cloudFormation = createCloudFormation({
    clock,
    ...place,
    resolveSecret: async (id) => secrets.value(id),
    resources: withFailingUpdates(
      providersByType(
        {
          ...ecsProviders(ecs, madeUp),
          'AWS::SecretsManager::Secret': secrets.provider(madeUp),
          'AWS::RDS::DBInstance': databases.provider(madeUp),
          'AWS::EFS::FileSystem': fileSystems.provider(madeUp),
        },
        madeUp,
      ),
      failingUpdates,
    ),
  });
  // Stands for the artefact bucket: texts by key.
  const artefacts = new Map<string, string>();
  const endpoint = { url: `ws://127.0.0.1:${balancer.port}`, hostHeader: domain };
  const surroundings = localSurroundings(databases, ecs);
  const networkAndStorage = localNetworkAndStorage(options.efsDirectory);
  const approvals = memoryLockStore<ApprovalItem>();
  const taskTokens = createTaskTokens();
  const handlers = createHandlers({
    ecs: ecsClient(ecs),
    cloudFormation: cloudFormationClient(cloudFormation),
    endpoint: () => endpoint,
    surroundings,
    networkAndStorage,
    fileSystems,
    snapshots,
    connect: target.connectAsVerifier,
    artefacts,
    lock: memoryLockStore(),
    approvals,
    publish: options.publish ?? (async () => {}),
    describeExecution: options.describeExecution ?? (async () => ({ status: 'RUNNING' })),
    clock,
  });
  const functions = new Map(
    Object.entries(handlers).map(([name, handler]) => [functionArn(settings.region, name), handler]),
  );
  return {
    cloudFormation,
    ecs,
    endpoint,
    surroundings,
    networkAndStorage,
    objectStore,
    fileSystems,
    snapshots,
    programs,
    failingUpdates,
    lastLines: (container) => lastLines.get(container) ?? [],
    writersLog,
    logListeners,
    integration: awsIntegration(ecs, functions),
    taskTokens,
    answerApproval: answerApproval({
      approvals,
      tasks: {
        succeed: async (token, output) => taskTokens.succeed(token, output),
        fail: async (token, error, cause) => taskTokens.fail(token, error, cause),
      },
      now: clock.now,
    }),
    async stop() {
      await ecs.stopAll();
      await balancer.close();
      await objectStore.stop();
    },
  };
}

/** The programs that stand for the images: two stand-in relays, and the migrator itself. */
export function programFor(image: string, settings: Settings, commands: RelayCommands): Program | undefined {
  if (image === settings.newImage) return shellCommand(commands.new) ?? relayProgram('postgres');
  if (image.includes('-migrate:')) return migratorProgram();
  if (image.includes('unicity-relay:')) return shellCommand(commands.old) ?? relayProgram('sqlite');
  return undefined;
}

/** A command line of the user's. The shell gives its place to the program, so that signals reach it. */
function shellCommand(command: string | undefined): Program | undefined {
  return command === undefined ? undefined : { command: '/bin/sh', args: ['-c', `exec ${command}`] };
}

/** What ECS tells a container of the place that it runs in, and how it signs in; here nobody looks at the signature. */
function awsEnvironment({ region }: Settings, { url }: ObjectStore): Record<string, string> {
  const credentials = { AWS_ACCESS_KEY_ID: 'rehearsal', AWS_SECRET_ACCESS_KEY: 'rehearsal' };
  return { AWS_REGION: region, AWS_ENDPOINT_URL_S3: url, ...credentials };
}

/** What the migrator's container runs. */
function migratorProgram(): Program {
  const program = bundledProgram(new URL('../cli/migrate-program.ts', import.meta.url));
  return { command: process.execPath, args: [program, '--json'] };
}

function ecsClient(ecs: LocalEcs): Pick<ECSClient, 'send'> {
  const send = async (command: { constructor: { name: string }; input: object }): Promise<object> =>
    ecs.call(command.constructor.name.replace(/Command$/, ''), structuredClone(command.input) as JsonObject);
  return { send } as unknown as Pick<ECSClient, 'send'>;
}
