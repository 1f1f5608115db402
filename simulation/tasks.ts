import { EventEmitter, once } from 'node:events';
import {
  containerEnded,
  finish,
  newTask,
  notStarted,
  type RunningTask,
  setStatus,
  type TaskStart,
} from '../rehearsal/ecs/tasks.ts';
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
  const { clock } = model;
  const signals = new EventEmitter();
  let program: Program | undefined;
  const id = String(number).padStart(32, '0');
  const task = newTask(model, start, { id, onStop: () => void signals.emit('asked to stop') });
  task.kill = () => void signals.emit('killed');
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
    containerEnded(task, exitCode);
  };
  task.stopped = live()
    .catch((error: Error) => notStarted(task, error))
    .then(() => finish(task, clock));
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
