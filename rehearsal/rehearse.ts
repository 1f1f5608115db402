import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRecord } from '../report/run-record.ts';
import { Refused } from '../statemachine/errors.ts';
import { atExit } from './at-exit.ts';
import { createAuthor } from './author.ts';
import { createClock } from './clock.ts';
import { withBrokenStates, withFaults } from './fault-injection.ts';
import { finalize } from './finalize.ts';
import { judge } from './judge.ts';
import { answerAsAsked } from './operator.ts';
import { prepare, untilRelayAnswers } from './prepare.ts';
import { entrust } from './reaper.ts';
import { redriveWhereAsked } from './redrive.ts';
import { rollback } from './rollback.ts';
import { assertDataDirectory, directoryFingerprint, unpackBundledData } from './source-data.ts';
import type { RehearsalOptions, Stage } from './stage.ts';
import { createStepFunctions } from './step-functions.ts';
import { reportStorer } from './stored-reports.ts';
import { openTarget } from './target-database.ts';
import { readUserTemplate } from './template-file.ts';
import { templateParameters } from './template-parameters.ts';
import { createWorld } from './world.ts';
import { startWriter } from './writer.ts';

const TEMPLATE = new URL('./template/sphere-zooid-relay.yaml', import.meta.url);

/** Enough for a relay to start while the state machine polls for it, on a machine that is busy with other things too. */
const SHORTEST_WAIT_SECONDS = 0.15;

/**
 * Runs a whole cutover on this machine: a relay on SQLite behind a load balancer, a client that publishes all the time, the
 * load while the relay is live, then the state machines themselves in the interpreter; real processes and a real
 * PostgreSQL, only AWS is stood in for.
 *
 * @param whileItStands is called at the end, before everything is taken down again
 * @returns what happened; a cutover that was rolled back is a result and not an error
 * @throws Refused for bad input, before anything is started; Error when the rehearsal itself could not be set up
 */
export async function rehearse(
  options: RehearsalOptions,
  whileItStands: (record: RunRecord, stage: Stage) => Promise<void> = async () => {},
): Promise<RunRecord> {
  const restarting = options.faults.find(({ embeddedOnly }) => embeddedOnly);
  if (restarting && options.databaseUrl !== undefined) {
    throw new Refused(
      `The fault "${restarting.name}" restarts PostgreSQL, and would restart yours. Leave --database-url out.`,
    );
  }
  const work = await mkdtemp(join(tmpdir(), 'relay-cutover-rehearsal-'));
  // A second Ctrl-C ends the process before the orderly way out has ended.
  const removed = atExit(() => rmSync(work, { recursive: true, force: true }));
  const over = entrust({ directory: work });
  const undo: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
  try {
    const { stage, sourceBefore } = await setUp(options, work, undo);
    const stop = (): void => stage.stepFunctions.stopAll('Interrupted', 'The rehearsal was interrupted');
    options.signal.addEventListener('abort', stop, { once: true });
    undo.push(async () => options.signal.removeEventListener('abort', stop));
    await abortable(options.signal, untilRelayAnswers(stage));
    const writer = startWriter({
      endpoint: stage.world.endpoint,
      perSecond: options.publishPerSecond,
      onAcknowledged: (event) => stage.acknowledged.push(event),
    });
    undo.push(writer.stop);
    if (options.afterwards === 'rollback') {
      stage.author = createAuthor(stage.world.endpoint);
      await abortable(options.signal, stage.author.writeBefore());
    }
    await abortable(options.signal, prepare(stage));
    await cutover(stage);
    if (options.afterwards === 'rollback' && isCutOver(stage)) await rollback(stage);
    if (options.afterwards === 'finalize' && isCutOver(stage)) await finalize(stage, {});
    await writer.stop();
    const sourceAfter = await directoryFingerprint(stage.directories.source);
    const record = await judge(stage, {
      files: sourceAfter,
      unchanged: JSON.stringify(sourceBefore) === JSON.stringify(sourceAfter),
    });
    await whileItStands(record, stage);
    return record;
  } finally {
    for (const step of undo.reverse()) await step();
    removed();
    over();
  }
}

/** There is nothing to roll back or to finalize where the cutover did not come to its end. */
function isCutOver({ stepFunctions }: Stage): boolean {
  return stepFunctions.ofMachine('cutover').at(-1)?.execution.status === 'SUCCEEDED';
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

  const template =
    options.templateFile === undefined
      ? await readFile(TEMPLATE, 'utf8')
      : await readUserTemplate(options.templateFile, settings);
  const parameters = templateParameters(settings, options.parameters, template);
  const opening = openTarget(options.databaseUrl, settings.verifierRole);
  // Also a server that is still starting when Ctrl-C comes has to be ended.
  undo.push(() =>
    opening.then(
      ({ stop }) => stop(),
      () => {},
    ),
  );
  const target = await abortable(options.signal, opening);
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
    relayCommands: options.relayCommands,
    // The lock asks Step Functions, whose tasks the world carries out.
    describeExecution: (arn) => stage.stepFunctions.describe(arn),
    publish: async (subject, message) => {
      observer.step(`Message "${subject}":`);
      for (const line of message.split('\n')) observer.step(`  ${line}`);
      stage.answering = answerAsAsked(stage).catch((error: Error) => observer.step(`Nobody answers: ${error.message}`));
    },
    onLog: observer.log,
  });
  undo.push(world.stop);
  const stage: Stage = {
    ...{ options, clock, target, world, directories, domain, acknowledged: [] },
    stepFunctions: createStepFunctions({
      settings,
      clock,
      integration: withFaults(options.faults, world.integration, () => stage),
      taskTokens: world.taskTokens,
      edit: (machine, definition) => withBrokenStates(options.faults, machine, definition),
      onEvent: observer.event,
      ...(options.storesReports && {
        onEnded: reportStorer(settings.stackName, () => stage.stepFunctions, world.objectStore, observer),
      }),
    }),
  };
  await abortable(options.signal, world.cloudFormation.deploy(settings.stackName, template, parameters)).catch(
    (error: Error) => {
      options.signal.throwIfAborted();
      const words = world.lastLines(settings.names.container).map((line) => `\n  ${line}`);
      const said = words.length > 0 ? `The last words of the relay:${words.join('')}` : 'The relay said nothing.';
      throw new Error(`${error.message} ${said}`, { cause: error });
    },
  );
  observer.step(
    `Stack ${settings.stackName} deployed; the old relay serves ${domain} from SQLite at ${world.endpoint.url}`,
  );
  return { stage, sourceBefore };
}

/** Runs the cutover and whatever it sets off, and redrives it if that was asked for. */
async function cutover(stage: Stage): Promise<void> {
  const { options, stepFunctions } = stage;
  const { signal, observer, onFailure, approval, faults } = options;
  for (const { name, title } of faults.filter(({ edit }) => edit)) observer.step(`Fault "${name}": ${title}`);
  const execution = stepFunctions.start('cutover', { onFailure, ...(approval !== undefined && { approve: true }) });
  await stepFunctions.settled();
  await stage.answering;
  signal.throwIfAborted();
  await redriveWhereAsked(stage, 'cutover', execution);
}

/** Lets Ctrl-C end a wait that knows nothing of signals; what still runs is ended by the undo steps. */
async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // Whoever came with it has begun already: what becomes of it after the end is nobody's failure.
  work.catch(() => {});
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
  }
}
