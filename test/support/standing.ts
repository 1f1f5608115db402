import type { Stage } from '../../rehearsal/stage.ts';
import { startWriter } from '../../rehearsal/writer.ts';
import type { RunRecord } from '../../report/run-record.ts';
import type { Json } from '../../statemachine/asl.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import { EVENTS_PER_SECOND, rehearsed } from './rehearsed.ts';

type Execution = ReturnType<Stage['stepFunctions']['start']>;

export interface Standing {
  record: RunRecord;
  stage: Stage;
  /** Takes everything down again. */
  leave(): Promise<void>;
}

/** A rehearsal that has ended and is left standing, for tests that go on with it. */
export async function standing(
  wishes: Omit<Parameters<typeof rehearsed>[0] & object, 'whileItStands'>,
): Promise<Standing> {
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  let over: Promise<unknown> = left;
  const { record, stage } = await new Promise<Pick<Standing, 'record' | 'stage'>>((resolve, reject) => {
    over = rehearsed({
      ...wishes,
      whileItStands(record, stage) {
        resolve({ record, stage });
        return left;
      },
    });
    over.catch(reject);
  });
  return {
    record,
    stage,
    async leave() {
      leave();
      await over;
    },
  };
}

/** Starts a machine and waits for its end, and that of whatever it sets off. */
export async function run(stage: Stage, machine: MachineName, input: Json = {}): Promise<Awaited<Execution['done']>> {
  const execution = stage.stepFunctions.start(machine, input);
  await stage.stepFunctions.settled();
  return execution.done;
}

/** A client publishes all the time while something goes on. */
export async function underWriter<Result>(stage: Stage, work: () => Promise<Result>): Promise<Result> {
  const writer = startWriter({
    endpoint: stage.world.endpoint,
    perSecond: EVENTS_PER_SECOND,
    onAcknowledged: (event) => stage.acknowledged.push(event),
  });
  try {
    return await work();
  } finally {
    await writer.stop();
  }
}
