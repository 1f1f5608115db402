import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { freePort } from '../embedded-postgres.ts';
import type { LoadBalancer } from '../load-balancer.ts';
import { type Container, type Host, startContainer } from './container.ts';
import type { ContainerOverride, Task, TaskDefinition } from './model.ts';

/** From SIGTERM to SIGKILL, where the container says nothing else. Source: ECS developer guide, "Container timeouts". */
const STOP_TIMEOUT_SECONDS = 30;

export interface RunningTask extends Task {
  /** Resolves when the task is STOPPED. */
  stopped: Promise<void>;
  stop(reason: Pick<Task, 'stopCode' | 'stoppedReason'>): void;
  /** SIGKILL to the container, as the kernel does it when memory runs out. */
  kill(): void;
}

export interface TaskStart {
  cluster: string;
  definition: TaskDefinition;
  group: string;
  startedBy: string;
  overrides?: ContainerOverride[];
  /** Stands before the task, as its target group says. */
  target?: BalancedTarget;
  /** Gets the lines of the task's log besides the host. */
  onLog?(line: string): void;
}

export interface BalancedTarget {
  /** Gets the task as its target once that accepts connections. */
  balancer: LoadBalancer;
  /** From the request to stop to SIGTERM, as it is when it begins. */
  deregistrationDelaySeconds(): number;
}

export interface TaskWorld {
  clock: Clock;
  host: Host;
  /** From PROVISIONING to the start of the container, in seconds of the clock: address, image pull. */
  startSeconds: number;
  accountArn: string;
}

/** Starts one task, as far as its process: its status follows the process, and stopping it goes through drain, SIGTERM and SIGKILL. */
export function startTask(world: TaskWorld, start: TaskStart): RunningTask {
  const stopRequested = new AbortController();
  const id = randomBytes(16).toString('hex');
  const task = newTask(world, start, { id, onStop: () => stopRequested.abort() });
  task.stopped = live(world, start, task, stopRequested.signal).catch((error: Error) => {
    notStarted(task, error);
    finish(task, world.clock);
  });
  return task;
}

/** A task as ECS knows it from the request on; nothing of it runs yet. */
export function newTask(
  { clock, accountArn }: Pick<TaskWorld, 'clock' | 'accountArn'>,
  start: TaskStart,
  { id, onStop }: { id: string; onStop(): void },
): RunningTask {
  const task: RunningTask = {
    taskArn: `${accountArn}:task/${start.cluster}/${id}`,
    clusterArn: `${accountArn}:cluster/${start.cluster}`,
    taskDefinitionArn: start.definition.taskDefinitionArn,
    group: start.group,
    startedBy: start.startedBy,
    lastStatus: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    createdAt: clock.now(),
    containers: [{ name: start.definition.containerDefinitions[0]?.name ?? '', lastStatus: 'PENDING' }],
    stopped: Promise.resolve(),
    kill() {},
    stop(reason) {
      if (task.desiredStatus === 'STOPPED') return;
      Object.assign(task, reason, { desiredStatus: 'STOPPED' });
      onStop();
    },
  };
  return task;
}

export function notStarted(task: RunningTask, { message }: Error): void {
  Object.assign(task, { stopCode: 'TaskFailedToStart', stoppedReason: message });
}

/** Its container has ended; where nobody had asked for it, that is the reason. */
export function containerEnded(task: RunningTask, exitCode: number): void {
  task.desiredStatus = 'STOPPED';
  task.stopCode ??= 'EssentialContainerExited';
  task.stoppedReason ??= 'Essential container in task exited';
  for (const one of task.containers) one.exitCode = exitCode;
}

async function live(world: TaskWorld, start: TaskStart, task: RunningTask, stopRequested: AbortSignal): Promise<void> {
  const { clock, host, startSeconds } = world;
  const definition = start.definition.containerDefinitions[0];
  if (!definition) throw new Error(`The task definition ${task.taskDefinitionArn} has no container.`);
  await clock.sleep(startSeconds, stopRequested).catch(() => {});
  if (stopRequested.aborted) return finish(task, clock);

  const override = start.overrides?.find(({ name }) => name === definition.name);
  const onLog = (name: string, line: string): void => {
    host.onLog(name, line);
    start.onLog?.(line);
  };
  const container = startContainer(definition, override, { ...host, onLog }, await freePort());
  task.kill = () => container.signal('SIGKILL');
  setStatus(task, 'RUNNING');
  task.startedAt = clock.now();
  const balancer = start.target?.balancer;
  if (balancer) void register(balancer, container);

  const requested = new Promise<'requested'>((resolve) =>
    stopRequested.addEventListener('abort', () => resolve('requested'), { once: true }),
  );
  const ended = await Promise.race([container.exited, requested]);
  const exitCode = ended === 'requested' ? await drainAndStop(world, start, task, container) : ended;
  if (balancer && balancer.target === container.port) balancer.target = undefined;
  containerEnded(task, exitCode);
  finish(task, clock);
}

/** The order of ECS: leave the target group, wait for its delay while open connections go on, SIGTERM, and at last SIGKILL. */
async function drainAndStop(
  world: TaskWorld,
  start: TaskStart,
  task: RunningTask,
  container: Container,
): Promise<number> {
  const { clock } = world;
  if (start.target) {
    const { balancer, deregistrationDelaySeconds } = start.target;
    setStatus(task, 'DEACTIVATING');
    if (balancer.target === container.port) balancer.target = undefined;
    await Promise.race([clock.sleep(deregistrationDelaySeconds()), container.exited]);
  }
  setStatus(task, 'STOPPING');
  container.signal('SIGTERM');
  // Ending is the process's own work, so the time for it is real time.
  const { stopTimeout = STOP_TIMEOUT_SECONDS } = start.definition.containerDefinitions[0] ?? {};
  const killer = setTimeout(() => container.signal('SIGKILL'), stopTimeout * 1000);
  const exitCode = await container.exited;
  clearTimeout(killer);
  return exitCode;
}

/** A target gets connections once it accepts them; the health check of the load balancer asks no more than that. */
async function register(balancer: LoadBalancer, container: Container): Promise<void> {
  let over = false;
  void container.exited.then(() => {
    over = true;
  });
  while (!over) {
    if (await accepts(container.port as number)) {
      balancer.target = container.port;
      return;
    }
    await pause(50);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export function setStatus(task: RunningTask, status: Task['lastStatus']): void {
  task.lastStatus = status;
  for (const container of task.containers) container.lastStatus = status;
}

export function finish(task: RunningTask, clock: Clock): void {
  setStatus(task, 'STOPPED');
  task.desiredStatus = 'STOPPED';
  task.stoppedAt = clock.now();
}
