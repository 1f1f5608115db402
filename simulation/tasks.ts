import { EventEmitter, once } from 'node:events';
import type { RunningTask, TaskStart } from '../rehearsal/ecs/tasks.ts';
import type { VirtualClock } from './clock.ts';

/** What a container does between its start and its end. */
export interface Program {
  /** Resolves with the exit code when it ends by itself. */
  done: Promise<number>;
  /** It still runs, but new clients no longer come. */
  drain(): void;
  /** SIGTERM, and SIGKILL if it takes too long: nothing of it runs afterwards. */
  end(): void;
}

export interface TaskModel {
  clock: VirtualClock;
  accountArn: string;
  /** From the request to the start of the container. */
  startSeconds(): number;
  /** From SIGTERM to the end of the container. */
  stopSeconds(): number;
  /** Begins what the container runs. @throws Error when it cannot be started */
  begin(task: RunningTask, start: TaskStart): Program;
}

/** The life of a task as `rehearsal/ecs/tasks.ts` has it, with a program of this process in the place of its own. */
export function startModelTask(model: TaskModel, start: TaskStart, number: number): RunningTask {
  const { clock, accountArn } = model;
  const signals = new EventEmitter();
  const container = start.definition.containerDefinitions[0];
  let program: Program | undefined;
  const task: RunningTask = {
    taskArn: `${accountArn}:task/${start.cluster}/${String(number).padStart(32, '0')}`,
    clusterArn: `${accountArn}:cluster/${start.cluster}`,
    taskDefinitionArn: start.definition.taskDefinitionArn,
    group: start.group,
    startedBy: start.startedBy,
    lastStatus: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    createdAt: clock.now(),
    containers: [{ name: container?.name ?? '', lastStatus: 'PENDING' }],
    stopped: Promise.resolve(),
    kill: () => void signals.emit('killed'),
    stop(reason) {
      if (task.desiredStatus === 'STOPPED') return;
      Object.assign(task, reason, { desiredStatus: 'STOPPED' });
      signals.emit('asked to stop');
    },
  };
  const live = async (): Promise<void> => {
    await Promise.race([clock.sleep(model.startSeconds()), once(signals, 'asked to stop')]);
    if (task.desiredStatus === 'STOPPED') return;
    program = model.begin(task, start);
    setStatus(task, 'RUNNING');
    task.startedAt = clock.now();
    const ended = await Promise.race([
      program.done,
      once(signals, 'killed').then(() => 137),
      once(signals, 'asked to stop').then(() => 'asked' as const),
    ]);
    const exitCode = ended === 'asked' ? await drainAndStop(model, start, task, program) : ended;
    program.end();
    task.desiredStatus = 'STOPPED';
    task.stopCode ??= 'EssentialContainerExited';
    task.stoppedReason ??= 'Essential container in task exited';
    for (const one of task.containers) one.exitCode = exitCode;
  };
  task.stopped = live()
    .catch((error: Error) => {
      Object.assign(task, { stopCode: 'TaskFailedToStart', stoppedReason: error.message });
    })
    .then(() => {
      setStatus(task, 'STOPPED');
      task.desiredStatus = 'STOPPED';
      task.stoppedAt = clock.now();
    });
  return task;
}

async function drainAndStop(
  { clock, stopSeconds }: TaskModel,
  { target }: TaskStart,
  task: RunningTask,
  program: Program,
): Promise<number> {
  program.drain();
  if (target) {
    setStatus(task, 'DEACTIVATING');
    await Promise.race([clock.sleep(target.deregistrationDelaySeconds()), program.done]);
  }
  setStatus(task, 'STOPPING');
  await clock.sleep(stopSeconds());
  // As a program that takes no notice of SIGTERM says it.
  return 143;
}

function setStatus(task: RunningTask, status: RunningTask['lastStatus']): void {
  task.lastStatus = status;
  for (const container of task.containers) container.lastStatus = status;
}
