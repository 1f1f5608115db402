import type { Execution } from '../rehearsal/interpreter/execution.ts';
import type { StartedExecution } from '../rehearsal/step-functions.ts';
import type { JsonObject } from '../statemachine/asl.ts';
import type { MachineName } from '../statemachine/machine-names.ts';
import type { Run } from './run.ts';

/** So often a redrive may come to a halt again, once the faults are gone: each removes one thing that is left. */
const REDRIVES_MAX = 6;

/** What the operator does: starts the machines of the journey, redrives what stands, and at last, with all faults gone, again. */
export async function operate(run: Run): Promise<void> {
  const { scenario, stepFunctions, striker, cloud } = run;
  const { clock, records } = cloud;
  const waits = [...scenario.redrivesAfterSeconds];
  for (const machine of scenario.journey) {
    run.say(`-- the operator starts ${machine}`);
    stepFunctions.start(machine, inputOf(run, machine));
    await stepFunctions.settled();
    for (let wait = waits.shift(); wait !== undefined && (await standing(run)); wait = waits.shift()) {
      await clock.sleep(wait);
      await goOn(run);
    }
  }
  await clock.sleep(60);
  await endWell(run);
  if (scenario.redrivesAllDaysLater) {
    await clock.sleep(2 * 86_400);
    for (const { execution, machine } of [...stepFunctions.started]) {
      if (execution.status === 'RUNNING' || execution.status === 'SUCCEEDED') continue;
      run.say(`-- somebody redrives ${machine} once more`);
      stepFunctions.redrive(execution);
      await stepFunctions.settled();
    }
    await endWell(run);
  }
  // A relay that was started last may still be on its way up.
  await clock.sleep(120);
  await cloud.ecs.call('DescribeServices', { services: [] });
  await clock.sleep(120);
  if (striker.isStopped && (await standing(run)))
    records.stuck = `the execution of ${(await standing(run))?.machine} still stands`;
}

/** Faults gone, whatever still stands is redriven until it has come to an end. */
async function endWell(run: Run): Promise<void> {
  const { striker, cloud, stepFunctions } = run;
  striker.stop();
  Object.assign(cloud, { taskFate: undefined, updateFate: undefined, crashes: undefined, stopSeconds: 1 });
  cloud.relays.isMute = false;
  cloud.areFaultsGone = true;
  // Whoever has started a relay by hand stops it again.
  await cloud.ecs.stopGroup(`family:${cloud.settings.stackName}-zooid-relay`);
  run.say('-- the faults are gone');
  await cloud.clock.sleep(600);
  for (let redrives = 0; redrives < REDRIVES_MAX && (await standing(run)); redrives += 1) await redriveStanding(run);
  if (await isRefusedUnchanged(run)) {
    run.say('-- the operator gives up what cannot be: restore with takeOver');
    stepFunctions.start('restore', { takeOver: true });
  }
  await stepFunctions.settled();
}

/**
 * Whether what stands has changed nothing and is refused each time: a rollback of a relay that serves from SQLite already, a cutover whose
 * load has grown too old. No redrive helps then, and nothing is to be brought back.
 */
async function isRefusedUnchanged({ cloud }: Run): Promise<boolean> {
  const item = await cloud.lockItem();
  return item !== undefined && !item.released && item.held !== null && item.plan === null;
}

/** What has the lock, has ended badly, and has not given it back; while its owner runs, what stands after the end of that. */
export async function standing(
  run: Pick<Run, 'cloud' | 'stepFunctions'>,
): Promise<Pick<StartedExecution, 'machine' | 'execution'> | undefined> {
  const item = await run.cloud.lockItem();
  if (!item || item.released) return undefined;
  const owner = run.stepFunctions.started.find(({ execution }) => execution.arn === item.owner);
  if (!owner || owner.execution.status === 'SUCCEEDED') return undefined;
  const isRunning = owner.execution.status === 'RUNNING';
  const { error = '' } = await owner.execution.done;
  // While it ended it may have given the lock back, or another may have taken it.
  if (isRunning) return standing(run);
  const isInOrder = ['RolledBack', 'NotRolledBack', 'PreflightFailed', 'PrepareFailed', 'FinalizeFailed'].includes(
    error,
  );
  return isInOrder ? undefined : owner;
}

async function goOn(run: Run): Promise<void> {
  const { scenario, stepFunctions } = run;
  if (!scenario.givesUp) return redriveStanding(run);
  run.say('-- the operator gives up what stands: restore with takeOver');
  stepFunctions.start('restore', { takeOver: true });
  await stepFunctions.settled();
}

async function redriveStanding(run: Run): Promise<void> {
  const found = await standing(run);
  if (!found) return;
  run.say(`-- the operator redrives ${found.machine}`);
  redrive(run, found.execution);
  await run.stepFunctions.settled();
}

function redrive({ stepFunctions }: Run, execution: Execution): void {
  stepFunctions.redrive(execution);
}

function inputOf({ scenario }: Run, machine: MachineName): JsonObject {
  const { onFailure, approve, deletesFileSystem } = scenario;
  const common = { onFailure };
  if (machine === 'cutover') return { ...common, ...(approve && { approve }) };
  if (machine === 'finalize') return { ...common, ...(deletesFileSystem && { deleteFileSystem: true }) };
  return common;
}
