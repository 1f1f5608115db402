import { fileURLToPath } from 'node:url';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { createHandler as assertQuiet } from '../lambdas/assert-quiet.ts';
import { createHandler as authority } from '../lambdas/authority.ts';
import { createHandler as changeStack } from '../lambdas/change-stack.ts';
import { createHandler as healthCheck } from '../lambdas/health-check.ts';
import { createHandler as preflight } from '../lambdas/preflight.ts';
import { createHandler as readManifest } from '../lambdas/read-manifest.ts';
import { createHandler as verifyCounts } from '../lambdas/verify-counts.ts';
import type { JsonObject } from '../statemachine/asl.ts';
import type { FunctionName } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { awsIntegration, type Handler } from './aws-integration.ts';
import type { Clock } from './clock.ts';
import { cloudFormationClient } from './cloudformation/client.ts';
import { createCloudFormation, type LocalCloudFormation } from './cloudformation/local-cloudformation.ts';
import { madeUpResources } from './cloudformation/made-up-resources.ts';
import { providersByType, type ResourceProvider } from './cloudformation/provider.ts';
import type { Program } from './ecs/container.ts';
import { createEcs, type LocalEcs } from './ecs/local-ecs.ts';
import { ecsProviders } from './ecs/providers.ts';
import type { EcsTimes } from './ecs/tasks.ts';
import type { Integration } from './interpreter/execution.ts';
import { startLoadBalancer } from './load-balancer.ts';
import { ACCOUNT_ID, functionArn } from './names.ts';
import { relayProgram } from './relay/program.ts';
import { createSecrets } from './secrets.ts';
import type { RehearsalTarget } from './target-database.ts';

/** The piece of AWS in which a rehearsal takes place. */
export interface World {
  cloudFormation: LocalCloudFormation;
  ecs: LocalEcs;
  /** Where clients reach the relay. */
  endpoint: { url: string; hostHeader: string };
  integration: Integration;
  /** Programs in place of those that stand for an image; `missing`: the image cannot be pulled. */
  programs: Map<string, Program | 'missing'>;
  /** Reasons for which the next update of a resource type fails. */
  failingUpdates: Map<string, string>;
  /** Called with each line of a container's log. */
  logListeners: Set<(container: string, line: string) => void>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  clock: Clock;
  settings: Settings;
  target: RehearsalTarget;
  /** Directory that stands for the EFS file system. */
  efsDirectory: string;
  scratchDirectory: string;
  domain: string;
  onLog(container: string, line: string): void;
}

/** Seconds in the cloud, as measured: most of a start is the image's pull. */
const TIMES: EcsTimes = { startSeconds: 30, deregistrationDelaySeconds: 10, stopTimeoutSeconds: 30 };

export async function createWorld(options: WorldOptions): Promise<World> {
  const { clock, settings, target, domain } = options;
  const place = { region: settings.region, accountId: ACCOUNT_ID };
  const balancer = await startLoadBalancer();
  const madeUp = madeUpResources(place);
  const secrets = createSecrets({ [settings.names.databaseUrlSecret]: target.url });
  const programs: World['programs'] = new Map();
  const logListeners: World['logListeners'] = new Set();
  const failingUpdates: World['failingUpdates'] = new Map();
  const ecs = createEcs(
    {
      clock,
      times: TIMES,
      accountArn: `arn:aws:ecs:${settings.region}:${ACCOUNT_ID}`,
      host: {
        programFor: (image) => {
          const program = programs.get(image) ?? programFor(image, settings);
          return program === 'missing' ? undefined : program;
        },
        volumeDirectory: () => options.efsDirectory,
        secretValue: secrets.value,
        environment: { PATH: process.env.PATH ?? '', TMPDIR: options.scratchDirectory },
        onLog(container, line) {
          options.onLog(container, line);
          for (const listener of logListeners) listener(container, line);
        },
      },
    },
    balancer,
  );
  const cloudFormation = createCloudFormation({
    clock,
    ...place,
    resolveSecret: async (id) => secrets.value(id),
    resources: withFailingUpdates(
      providersByType({ ...ecsProviders(ecs), 'AWS::SecretsManager::Secret': secrets.provider(madeUp) }, madeUp),
      failingUpdates,
    ),
  });
  // Stands for the artefact bucket: texts by key.
  const artefacts = new Map<string, string>();
  const endpoint = { url: `ws://127.0.0.1:${balancer.port}`, hostHeader: domain };
  const handlers = createHandlers({
    ecs: ecsClient(ecs),
    cloudFormation: cloudFormationClient(cloudFormation),
    endpoint: () => endpoint,
    connect: target.connectAsVerifier,
    artefacts,
    clock,
  });
  const functions = new Map(
    Object.entries(handlers).map(([name, handler]) => [functionArn(settings.region, name), handler]),
  );
  return {
    cloudFormation,
    ecs,
    endpoint,
    programs,
    failingUpdates,
    logListeners,
    integration: awsIntegration(ecs, functions),
    async stop() {
      await ecs.stopAll();
      await balancer.close();
    },
  };
}

/** Lets the next update of a type fail once, as a resource handler does, so that the stack rolls back. */
function withFailingUpdates(resources: ResourceProvider, failing: Map<string, string>): ResourceProvider {
  return {
    ...resources,
    async update(resource, signal) {
      const reason = failing.get(resource.type);
      failing.delete(resource.type);
      if (reason !== undefined) throw new Error(reason);
      return resources.update(resource, signal);
    },
  };
}

interface HandlerWorld {
  ecs: Pick<ECSClient, 'send'>;
  cloudFormation: CloudFormationClient;
  endpoint(): { url: string; hostHeader: string };
  connect: RehearsalTarget['connectAsVerifier'];
  artefacts: Map<string, string>;
  clock: Clock;
}

function createHandlers({
  ecs,
  cloudFormation,
  endpoint,
  connect,
  artefacts,
  clock,
}: HandlerWorld): Record<FunctionName, Handler> {
  return {
    preflight: preflight({ ecs, cloudFormation, endpoint }),
    'change-stack': changeStack({
      cloudFormation,
      artefacts: {
        get: async (key) => artefacts.get(key),
        put: async (key, text) => void (artefacts.has(key) || artefacts.set(key, text)),
      },
    }),
    'assert-quiet': assertQuiet({ ecs, cloudFormation, now: clock.now }),
    'health-check': healthCheck({ ecs, endpoint }),
    authority: authority({ connect }),
    'read-manifest': readManifest({ connect }),
    'verify-counts': verifyCounts({ connect }),
  };
}

/** The programs that stand for the images: two stand-in relays, and the migrator itself. */
function programFor(image: string, settings: Settings): Program | undefined {
  if (image === settings.newImage) return relayProgram('postgres');
  if (image.includes('-migrate:')) return migratorProgram();
  if (image.includes('unicity-relay:')) return relayProgram('sqlite');
  return undefined;
}

function migratorProgram(): Program {
  const cli = fileURLToPath(new URL('../cli/relay-cutover.mjs', import.meta.url));
  return { command: process.execPath, args: [cli, 'migrate', '--json'] };
}

function ecsClient(ecs: LocalEcs): Pick<ECSClient, 'send'> {
  const send = async (command: { constructor: { name: string }; input: object }): Promise<object> =>
    ecs.call(command.constructor.name.replace(/Command$/, ''), structuredClone(command.input) as JsonObject);
  return { send } as unknown as Pick<ECSClient, 'send'>;
}
