import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { type Container, type Host, startContainer } from '../../rehearsal/ecs/container.ts';
import type { ContainerDefinition, ContainerOverride } from '../../rehearsal/ecs/model.ts';
import { freePort } from '../../rehearsal/embedded-postgres.ts';
import type { LoadBalancer } from '../../rehearsal/load-balancer.ts';
import type { Emulator } from './emulator.ts';
import { secretValue } from './plain-calls.ts';

const POLL_MILLISECONDS = 100;

interface Options {
  emulator: Emulator;
  cluster: string;
  host: Omit<Host, 'secretValue'>;
  balancer: LoadBalancer;
  /** Called when a program has ended by itself, before ECS hears of it. */
  onExit(container: string, command: string[], exitCode: number): Promise<void>;
}

/** What stands behind the emulator's ECS. */
export interface Containers {
  /** What went wrong since the start; nothing of it may pass unnoticed. */
  readonly failures: string[];
  stop(): Promise<void>;
}

/**
 * Runs the programs of the tasks that the emulator's ECS says are running: without a Docker it keeps account of them only.
 * A task is stopped there when its program has ended, and a program here when its task was stopped. What the emulator
 * cannot be told is an exit code: one that is not 0 is a failure of the test.
 */
export function startContainers({ emulator, cluster, host, balancer, onExit }: Options): Containers {
  const ecs = new ECSClient(emulator.client);
  const running = new Map<string, Container>();
  const failures: string[] = [];
  const over = new AbortController();

  const start = async (task: Task): Promise<void> => {
    const { taskDefinition } = await ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: task.taskDefinitionArn }),
    );
    const [definition] = (taskDefinition?.containerDefinitions ?? []) as ContainerDefinition[];
    if (!definition) throw new Error(`${task.taskDefinitionArn} has no container.`);
    const override = task.overrides?.containerOverrides?.find(({ name }) => name === definition.name);
    const secrets = new Map<string, string>();
    for (const { valueFrom } of definition.secrets ?? [])
      secrets.set(valueFrom, await secretValue(emulator, valueFrom));
    const container = startContainer(
      definition,
      override as ContainerOverride | undefined,
      { ...host, secretValue: (valueFrom) => secrets.get(valueFrom) as string },
      await freePort(),
    );
    running.set(task.taskArn as string, container);
    void container.exited.then((code) => ended(task, definition.name, override?.command ?? [], code)).catch(report);
    if (container.port !== undefined && (await accepts(container, container.port))) balancer.target = container.port;
  };
  const ended = async (task: Task, name: string, command: string[], code: number): Promise<void> => {
    if (!running.delete(task.taskArn as string) || over.signal.aborted) return;
    if (code !== 0) failures.push(`The container ${name} (${command.join(' ')}) ended with ${code}.`);
    await onExit(name, command, code);
    await ecs.send(new StopTaskCommand({ cluster, task: task.taskArn, reason: 'Essential container in task exited' }));
  };
  const stop = async (taskArn: string, container: Container): Promise<void> => {
    running.delete(taskArn);
    if (balancer.target === container.port) balancer.target = undefined;
    container.signal('SIGTERM');
    await container.exited;
  };
  const look = async (): Promise<void> => {
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster, desiredStatus: 'RUNNING' }));
    for (const [taskArn, container] of running) if (!taskArns.includes(taskArn)) await stop(taskArn, container);
    const started = taskArns.filter((taskArn) => !running.has(taskArn));
    if (started.length === 0) return;
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: started }));
    for (const task of tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING')) await start(task);
  };
  const report = (error: Error): void => void failures.push(error.stack ?? error.message);
  const watching = (async () => {
    while (!over.signal.aborted) {
      await look().catch(report);
      await pause(POLL_MILLISECONDS);
    }
  })();
  return {
    failures,
    async stop() {
      over.abort();
      await watching;
      for (const [taskArn, container] of running) await stop(taskArn, container);
    },
  };
}

/** Whether the program listens, before it ends. */
async function accepts(container: Container, port: number): Promise<boolean> {
  let hasEnded = false;
  void container.exited.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const socket = connect(port, '127.0.0.1');
    const opened = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (opened) return true;
    await pause(POLL_MILLISECONDS);
  }
  return false;
}
