import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRecord } from '../report/run-record.ts';
import { cutoverMachine } from '../statemachine/cutover/cutover.ts';
import { withFunctions } from '../statemachine/definition.ts';
import { createClock } from './clock.ts';
import { type Fault, faultNamed } from './faults.ts';
import { type ExecutionResult, type HistoryEvent, type Integration, startExecution } from './interpreter/execution.ts';
import { judge } from './judge.ts';
import { ACCOUNT_ID, functionArn } from './names.ts';
import { prepare } from './prepare.ts';
import { assertDataDirectory, directoryFingerprint, unpackBundledData } from './source-data.ts';
import type { RehearsalOptions, Stage } from './stage.ts';
import { openTarget } from './target-database.ts';
import { templateParameters } from './template-parameters.ts';
import { createWorld } from './world.ts';

const TEMPLATE = new URL('./template/sphere-zooid-relay.yaml', import.meta.url);

/** Enough for a relay to start while the state machine polls for it, on a machine that is busy with other things too. */
const SHORTEST_WAIT_SECONDS = 0.15;

/**
 * Runs a whole cutover on this machine: a relay on SQLite behind a load balancer, the load while it is live, then the
 * state machine itself in the interpreter; real processes and a real PostgreSQL, only AWS is stood in for.
 *
 * @returns what happened; a cutover that was rolled back is a result and not an error
 * @throws Refused for bad input, before anything is started; Error when the rehearsal itself could not be set up
 */
export async function rehearse(options: RehearsalOptions): Promise<RunRecord> {
  const fault = options.faultName === undefined ? undefined : faultNamed(options.faultName);
  const work = await mkdtemp(join(tmpdir(), 'relay-cutover-rehearsal-'));
  // A second Ctrl-C ends the process before the orderly way out has ended.
  const removeAtExit = (): void => rmSync(work, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  const undo: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
  try {
    const { stage, sourceBefore } = await setUp(options, work, undo);
    const published = await abortable(options.signal, prepare(stage));
    const { execution, result } = await cutover(stage, fault);
    const sourceAfter = await directoryFingerprint(stage.directories.source);
    return await judge(stage, {
      fault: fault ?? null,
      execution,
      result,
      published,
      source: { files: sourceAfter, unchanged: JSON.stringify(sourceBefore) === JSON.stringify(sourceAfter) },
    });
  } finally {
    for (const step of undo.reverse()) await step();
    process.off('exit', removeAtExit);
  }
}

async function setUp(
  options: RehearsalOptions,
  work: string,
  undo: (() => Promise<void>)[],
): Promise<{ stage: Stage; sourceBefore: string[] }> {
  const { settings, observer } = options;
  const directories = {
    source: options.sourceDirectory ?? join(work, 'bundled'),
    efs: join(work, 'efs'),
    scratch: join(work, 'scratch'),
  };
  if (options.sourceDirectory === undefined) await unpackBundledData(directories.source);
  await assertDataDirectory(directories.source);
  const sourceBefore = await directoryFingerprint(directories.source);
  await cp(directories.source, directories.efs, { recursive: true, preserveTimestamps: true });
  await mkdir(directories.scratch);

  const template = await readFile(TEMPLATE, 'utf8');
  const parameters = templateParameters(settings, options.parameters, template);
  const target = await abortable(options.signal, openTarget(options.databaseUrl, settings.verifierRole));
  undo.push(target.stop);
  observer.step(`PostgreSQL: ${target.description}`);

  const clock = createClock({ speed: options.speed, shortestWaitSeconds: SHORTEST_WAIT_SECONDS });
  const domain = parameters[settings.names.domainParameter] as string;
  const world = await createWorld({
    clock,
    settings,
    target,
    efsDirectory: directories.efs,
    scratchDirectory: directories.scratch,
    domain,
    onLog: observer.log,
  });
  undo.push(world.stop);
  await abortable(options.signal, world.cloudFormation.deploy(settings.stackName, template, parameters));
  observer.step(
    `Stack ${settings.stackName} deployed; the old relay serves ${domain} from SQLite at ${world.endpoint.url}`,
  );
  return { stage: { options, clock, target, world, directories, domain }, sourceBefore };
}

async function cutover(
  stage: Stage,
  fault: Fault | undefined,
): Promise<{ execution: { name: string; history: HistoryEvent[] }; result: ExecutionResult }> {
  const { options, clock, world } = stage;
  const { settings } = options;
  const execution = startExecution({
    machine: withFunctions(cutoverMachine(settings), (name) => functionArn(settings.region, name)),
    stateMachineArn: `arn:aws:states:${settings.region}:${ACCOUNT_ID}:stateMachine:${settings.stackName}-cutover`,
    name: `rehearsal-${randomUUID()}`,
    input: {},
    integration: fault ? withFault(stage, fault) : world.integration,
    clock,
    onEvent: options.observer.event,
  });
  const stop = (): void => execution.stop('Interrupted', 'The rehearsal was interrupted');
  options.signal.addEventListener('abort', stop, { once: true });
  const result = await execution.done;
  options.signal.throwIfAborted();
  return { execution, result };
}

/** Does a fault's harm once, before or after the first call of its state. */
function withFault(stage: Stage, fault: Fault): Integration {
  let done = false;
  const harm = async (when: Fault['when'], state: string): Promise<void> => {
    if (done || when !== fault.when || state !== fault.state) return;
    done = true;
    await fault.harm(stage);
    stage.options.observer.step(`Fault "${fault.name}": ${fault.title}`);
  };
  return async (call) => {
    const { Name } = call.context.State as { Name: string };
    await harm('before', Name);
    const output = await stage.world.integration(call);
    await harm('after', Name);
    return output;
  };
}

/** Lets Ctrl-C end a wait that knows nothing of signals; what still runs is ended by the undo steps. */
async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => {});
  }
}
