import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { Program } from '../../rehearsal/ecs/container.ts';
import { startPostgres } from '../../rehearsal/embedded-postgres.ts';
import { type LoadBalancer, startLoadBalancer } from '../../rehearsal/load-balancer.ts';
import { unpackBundledData } from '../../rehearsal/source-data.ts';
import { templateParameters } from '../../rehearsal/template-parameters.ts';
import { programFor } from '../../rehearsal/world.ts';
import { createWritersLog } from '../../rehearsal/writers-log.ts';
import type { Settings } from '../../statemachine/settings.ts';
import { differences, withClient } from '../support/table-bytes.ts';
import { certificateFor } from './certificate.ts';
import { startContainers } from './containers.ts';
import { deployCutover } from './cutover-stack.ts';
import { letIn, standBehindInstance } from './database.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { createRoutes, type Routes } from './routes.ts';
import { startScalingService } from './scaling-service.ts';
import { createStack, idsIn, outputsOf } from './stacks.ts';
import { httpsFront, postgresFront } from './tls-fronts.ts';

/** Waits of the machines are shortened by this factor. */
const WAIT_SCALE = 0.05;
export const RELAY_TEMPLATE = new URL('../../rehearsal/template/sphere-zooid-relay.yaml', import.meta.url);

/** The relay's stack and the cutover's on the emulator, with real programs and a real PostgreSQL behind them. */
export interface Cloud {
  emulator: Emulator;
  cloudFormation: CloudFormationClient;
  /** Where clients reach the relay. */
  endpoint: { url: string; hostHeader: string };
  /** What the relay's stack says of itself, and the cutover's. */
  outputs: { relay: Record<string, string>; cutover: Record<string, string> };
  /** Programs in place of those that stand for an image. */
  programs: Map<string, Program>;
  /** What the target had otherwise than the source each time that a migrator had ended well. */
  comparisons: { mode: string; differences: string[] }[];
  /** Asks the target, as its owner. */
  query(sql: string, values: unknown[]): Promise<unknown[]>;
  /** What went wrong behind the emulator. */
  failures(): string[];
  stop(): Promise<void>;
}

/** What is made on the way, and taken down again in the opposite order. */
type Undo = (() => unknown)[];

export async function startCloud(settings: Settings): Promise<Cloud> {
  const undo: Undo = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await start(settings, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(settings: Settings, undo: Undo): Promise<Omit<Cloud, 'stop'>> {
  const { names, stackName } = settings;
  const place = await makePlace(settings, undo);
  const { directories, emulator, routes, balancer } = place;
  const cloudFormation = new CloudFormationClient(emulator.client);
  const template = await readFile(RELAY_TEMPLATE, 'utf8');
  const parameters = templateParameters(settings, {}, template);
  const domain = parameters[names.domainParameter] as string;
  const certificate = certificateFor([domain]);
  const front = await httpsFront(certificate, balancer.port);
  undo.push(front.stop);
  await routes.add(`${domain}:443`, front.port, certificate.certificate);

  const relay = await createStack(cloudFormation, stackName, { TemplateBody: template }, parameters);
  const ids = await idsIn(cloudFormation, stackName);
  const target = await startTarget(settings, place, undo);
  const comparisons: Cloud['comparisons'] = [];
  const programs: Cloud['programs'] = new Map();
  const writersLog = createWritersLog(names);
  const containers = startContainers({
    emulator,
    cluster: ids(names.cluster),
    balancer,
    host: {
      programFor: (image) => programs.get(image) ?? programFor(image, settings, {}),
      volumeDirectory: () => directories.source,
      environment: {
        ...{ ...routes.environment, PATH: process.env.PATH ?? '', TMPDIR: directories.scratch },
        ...signedIn(emulator),
      },
      onLog: () => {},
      onStart: writersLog.onStart,
    },
    async onExit(container, [mode = ''], exitCode) {
      // An archive is made while the relay writes to the target.
      if (container !== names.migrationContainer || exitCode !== 0 || mode === 'archive') return;
      const sqlitePath = join(directories.source, settings.sqliteFile);
      comparisons.push({ mode, differences: await differences({ sqlitePath, url: target.url() }) });
    },
  });
  undo.push(containers.stop);
  const cutover = await deployCutover(settings, emulator, directories.synthesized);
  return {
    emulator,
    cloudFormation,
    endpoint: { url: `ws://127.0.0.1:${balancer.port}`, hostHeader: domain },
    outputs: { relay: outputsOf(relay), cutover: outputsOf(cutover) },
    programs,
    comparisons,
    query: (sql, values) => withClient(target.url(), async (client) => (await client.query(sql, values)).rows),
    failures: () => [...target.failures, ...containers.failures, ...writersLog.overlaps],
  };
}

/** What ECS tells every container: where it is, and how it signs in. */
function signedIn({ client }: Emulator): Record<string, string> {
  const { accessKeyId, secretAccessKey } = client.credentials;
  return {
    ...{ AWS_REGION: client.region, AWS_ENDPOINT_URL: client.endpoint },
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  };
}

interface Place {
  directories: { source: string; scratch: string; synthesized: string };
  emulator: Emulator;
  routes: Routes;
  balancer: LoadBalancer;
}

/** What stands before any stack does. */
async function makePlace({ region }: Settings, undo: Undo): Promise<Place> {
  const work = await mkdtemp(join(tmpdir(), 'relay-cutover-cloud-'));
  undo.push(() => rm(work, { recursive: true, force: true }));
  const directories = { source: join(work, 'efs'), scratch: join(work, 'scratch'), synthesized: join(work, 'cdk.out') };
  await mkdir(directories.scratch);
  await unpackBundledData(directories.source);
  const routes = await createRoutes(work);
  const scaling = await startScalingService();
  undo.push(scaling.stop);
  const emulator = await startEmulator({
    region,
    waitScale: WAIT_SCALE,
    environment: { ...routes.environment, AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING: scaling.endpoint },
  });
  undo.push(emulator.stop);
  const balancer = await startLoadBalancer();
  undo.push(balancer.close);
  return { directories, emulator, routes, balancer };
}

/** A PostgreSQL that stands behind the instance as soon as the emulator has one, reached as the instance is reached. */
async function startTarget(settings: Settings, { emulator, routes }: Place, undo: Undo) {
  const server = await startPostgres({ fsync: 'off' });
  undo.push(server.stop);
  await letIn(server.adminUrl, settings.verifierRole);
  const over = new AbortController();
  const failures: string[] = [];
  let url = '';
  const standing = standBehindInstance(emulator, server, settings, over.signal)
    .then(async (instance) => {
      if (!instance) return;
      url = instance.url;
      const certificate = certificateFor([instance.host]);
      const front = await postgresFront(certificate, server.port);
      undo.push(front.stop);
      await routes.add(`${instance.host}:${instance.port}`, front.port, certificate.certificate);
    })
    .catch((error: Error) => void failures.push(error.stack ?? error.message));
  undo.push(() => {
    over.abort();
    return standing;
  });
  return { url: () => url, failures };
}
