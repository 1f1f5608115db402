import type { Stack } from '@aws-sdk/client-cloudformation';
import { describeStack } from '../../lambdas/change-stack/stack.ts';
import { CUTOVER_CHECKS } from '../../lambdas/preflight/cutover-checks.ts';
import { cutoverParts } from '../../lambdas/preflight/cutover-world.ts';
import { FINALIZE_CHECKS } from '../../lambdas/preflight/finalize-checks.ts';
import { finalizeParts } from '../../lambdas/preflight/finalize-world.ts';
import type { ImageAnswer } from '../../lambdas/preflight/image-registry.ts';
import type { Parts } from '../../lambdas/preflight/parts.ts';
import { PREPARE_CHECKS } from '../../lambdas/preflight/prepare-checks.ts';
import { prepareParts } from '../../lambdas/preflight/prepare-world.ts';
import { drainSecondsMax } from '../../lambdas/preflight/preview.ts';
import { idOf, type RelayWorld, relayParts } from '../../lambdas/preflight/relay-world.ts';
import { Refused } from '../../statemachine/errors.ts';
import { writeStopSecondsBesideRows } from '../../statemachine/expected-write-stop.ts';
import { forwardSeconds } from '../../statemachine/settings.ts';
import type { Cloud } from '../cloud.ts';
import { loadCheck, type NewestLoad, readNewestLoad } from './amount.ts';
import { type CheckResult, type Known, known, makeChecks } from './checks.ts';
import type { PlanClients } from './clients.ts';
import { nextMachine, type PlannedMachine, type PlannedStep, plannedSteps } from './steps.ts';

/** What the machines would do to the relay's stack if they were started now. */
export interface Plan {
  stackName: string;
  region: string;
  /** The machine that is next; null when SQLite's file system has left the stack. */
  next: PlannedMachine | null;
  /** What the preflight of that machine looks at, and what it would find. */
  checks: CheckResult[];
  /** What could not be looked at and stops nothing, such as an image that its registry shows to nobody without a login. */
  notes: string[];
  /** What is still to come, in its order. */
  steps: PlannedStep[];
  data: {
    /** What the file system holds, as it is metered; null when there is none any more. */
    fileSystemBytes: Known<number | null>;
    /** Null before `prepare` has loaded. */
    load: Known<NewestLoad | null>;
  };
  writeStop: {
    /** From the request to stop until the relay has stopped, as `prepare` leaves it; clients may write until then. */
    drainSecondsMax: Known<number>;
    /** The same as it is now, where the delay of the target group is still another. */
    drainSecondsMaxNow: Known<number>;
    /** What does not depend on the rows. */
    besideRowsSeconds: number;
    /** Null before `prepare` has loaded. */
    expectedSeconds: number | null;
    /** Settings: the limit, what of it is kept for the way back, and what is left for the way forward. */
    secondsMax: number;
    wayBackSecondsReserved: number;
    forwardSeconds: number;
  };
}

/**
 * Makes the plan; nothing is changed.
 *
 * @throws Refused when the stack or its template cannot be read, what AWS says when it cannot be asked
 */
export async function planOf(clients: PlanClients, cloud: Cloud): Promise<Plan> {
  const { settings, client } = cloud;
  const { stackName, names, newImage, migratorImage } = settings;
  const stack = await describeStack(clients.cloudFormation, stackName);
  const relay = relayParts(clients, { ...eventOf(cloud), machine: 'cutover' }, []);
  const template = await relay.template();
  const next = nextMachine(template, settings);
  const [checks, load, images] = await Promise.all([
    checksOf(next, clients, cloud),
    known(() => newestLoadOf(clients, stackName), client),
    imagesOf(clients, [newImage, migratorImage]),
  ]);
  const [relayImage, migrator] = images.map(({ pinned }) => pinned) as [string, string];
  return {
    stackName,
    region: client.region,
    next,
    checks: next === 'cutover' ? [...checks, loadCheck(load, settings.loadAgeDaysMax, new Date())] : checks,
    notes: images.flatMap(({ note }) => note ?? []),
    steps: plannedSteps(template, valuesOf(stack), settings, { relay: relayImage, migrator }),
    data: {
      fileSystemBytes: await known(() => fileSystemBytes(clients, relay, names.fileSystem), client),
      load,
    },
    writeStop: await writeStopOf(clients, cloud, relay, 'value' in load ? load.value : null, next),
  };
}

/** Whether the next machine can be started: a check that could not be made has not passed. */
export function isReady({ checks }: Plan): boolean {
  return checks.every(({ status }) => status === 'passed');
}

const eventOf = ({ settings: { stackName, names, newImage } }: Cloud) => ({
  ...{ input: {}, stackName, names, newImage },
  // Whether the relay answers is all that the checks look at.
  sampleEvents: 0,
});

async function checksOf(next: PlannedMachine | null, clients: PlanClients, cloud: Cloud): Promise<CheckResult[]> {
  const { client, settings } = cloud;
  const event = eventOf(cloud);
  if (next === 'prepare') {
    const parts = prepareParts(clients, { input: {}, stackName: settings.stackName, settings });
    return makeChecks(PREPARE_CHECKS, parts, client);
  }
  if (next === 'cutover') return makeChecks(CUTOVER_CHECKS, cutoverParts(clients, event), client);
  return next === null ? [] : makeChecks(FINALIZE_CHECKS, finalizeParts(clients, event), client);
}

/** Null too before the state machines are deployed: then nothing can have loaded. */
async function newestLoadOf({ deployed, stepFunctions }: PlanClients, stackName: string): Promise<NewestLoad | null> {
  const found = await deployed().catch((error: Error) => {
    if (error instanceof Refused && /^There is no stack/.test(error.message)) return null;
    throw error;
  });
  return found && readNewestLoad(stepFunctions, found, stackName);
}

/** As they will be run, and what is to be said of one whose registry does not answer. */
async function imagesOf(
  { surroundings }: PlanClients,
  images: string[],
): Promise<{ pinned: string; note: string | null }[]> {
  const answers: ImageAnswer[] = await Promise.all(images.map((image) => surroundings.askRegistry(image)));
  return answers.map((answer, index) => ({
    pinned: answer.status === 'found' ? answer.pinned : (images[index] as string),
    note: answer.status === 'unknown' ? answer.reason : null,
  }));
}

function valuesOf({ Parameters = [] }: Stack): Map<string, string> {
  return new Map(Parameters.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]));
}

async function fileSystemBytes(
  { networkAndStorage }: PlanClients,
  relay: Parts<RelayWorld>,
  logicalId: string,
): Promise<number | null> {
  const id = (await relay.resources()).get(logicalId);
  return id === undefined ? null : networkAndStorage.fileSystemBytes(id);
}

async function writeStopOf(
  { surroundings }: PlanClients,
  { settings, client }: Cloud,
  relay: Parts<RelayWorld>,
  load: NewestLoad | null,
  next: PlannedMachine | null,
): Promise<Plan['writeStop']> {
  const { names, deregistrationDelaySeconds, writeStopSecondsMax, wayBackSecondsReserved } = settings;
  const drainWith = async (delay: number): Promise<number> => drainSecondsMax(await relay.relayTask(), names, delay);
  const drainNow = await known(async () => {
    const targetGroup = idOf(await relay.resources(), names.targetGroup);
    return drainWith(await surroundings.deregistrationDelaySeconds(targetGroup));
  }, client);
  const besideRowsSeconds = writeStopSecondsBesideRows(settings);
  return {
    drainSecondsMax: next === 'prepare' ? await known(() => drainWith(deregistrationDelaySeconds), client) : drainNow,
    drainSecondsMaxNow: drainNow,
    besideRowsSeconds,
    expectedSeconds: load && besideRowsSeconds + Math.ceil(load.seconds),
    secondsMax: writeStopSecondsMax,
    wayBackSecondsReserved,
    forwardSeconds: forwardSeconds(settings),
  };
}
