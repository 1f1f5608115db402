import type { JsonObject } from '../../statemachine/asl.ts';
import type { Clock } from '../clock.ts';
import type { LoadBalancer } from '../load-balancer.ts';
import { type ActionWorld, apiTask, ecsActions, ecsError } from './actions.ts';
import type { Service, Task, TaskDefinition } from './model.ts';
import { createScheduler, newDeployment } from './service-scheduler.ts';
import type { RunningTask, TaskStart } from './tasks.ts';

interface ServiceProperties {
  cluster: string;
  serviceName: string;
  taskDefinition: string;
  desiredCount: number;
  targetGroup?: string;
}

/** A region's ECS in this process: task definitions, services, and tasks that are child processes. */
export interface LocalEcs {
  /** Seconds by target group: how long the clients of a task that stops may go on. */
  deregistrationDelays: Map<string, number>;
  /** Answers an API action in the shapes of the SDK's client. Rejects with errors that carry ECS's names. */
  call(action: string, input: JsonObject): Promise<object>;
  registerTaskDefinition(definition: Pick<TaskDefinition, 'family' | 'containerDefinitions'>): TaskDefinition;
  /** Creates or changes a service, as CloudFormation does, and waits until it is stable. */
  putService(properties: ServiceProperties, signal?: AbortSignal): Promise<Service>;
  deleteService(serviceName: string): Promise<void>;
  runTask: ActionWorld['runTask'];
  tasks(): Task[];
  /** A service as it is now; undefined when there is none of that name. */
  service(serviceName: string): Service | undefined;
  /** Stops the tasks of a group and waits for their end. */
  stopGroup(group: string): Promise<void>;
  /** Image of the first container of a task definition. */
  imageOf(taskDefinition: string): string | null;
  /** As CloudFormation does with a revision that leaves its stack. */
  deregister(taskDefinition: string): void;
  /** Ends the containers of a task definition's running tasks by SIGKILL. */
  kill(taskDefinition: string): void;
  stopAll(): Promise<void>;
}

export interface EcsWorld {
  clock: Clock;
  accountArn: string;
  /** Gives a task its life: a process of this machine, or what stands for one. */
  startTask(start: TaskStart): RunningTask;
}

/** @param balancer stands before the tasks of every service that has a target group */
export function createEcs({ clock, accountArn, startTask }: EcsWorld, balancer: LoadBalancer): LocalEcs {
  const definitions = new Map<string, TaskDefinition>();
  const services = new Map<string, Service>();
  const tasks: RunningTask[] = [];

  const definitionOf = (arn: string): TaskDefinition => {
    const found = definitions.get(arn);
    if (!found) throw ecsError('ClientException', `Unable to describe task definition ${arn}.`);
    return found;
  };
  const deregistrationDelays = new Map<string, number>();
  const startForService = ({
    serviceName,
    clusterArn,
    taskDefinition,
    targetGroup,
    ...service
  }: Service): RunningTask =>
    startTask({
      cluster: clusterArn.split('/').at(-1) as string,
      definition: definitionOf(taskDefinition),
      group: `service:${serviceName}`,
      startedBy: service.deployments[0]?.id ?? '',
      ...(targetGroup !== undefined && {
        target: { balancer, deregistrationDelaySeconds: () => deregistrationDelays.get(targetGroup) ?? 0 },
      }),
    });
  const scheduler = createScheduler({ clock, services, tasks, start: startForService });
  const runTask: LocalEcs['runTask'] = ({ taskDefinition, ...start }) => {
    const task = startTask({ ...start, definition: definitionOf(taskDefinition), startedBy: '' });
    tasks.push(task);
    return task;
  };
  const deploy = (service: Service, taskDefinition: string): void => {
    if (service.deployments[0]?.taskDefinition !== taskDefinition) {
      const earlier = service.deployments.map((one) => ({ ...one, status: 'ACTIVE' as const }));
      service.deployments = [newDeployment(taskDefinition, clock.now()), ...earlier];
    }
    service.taskDefinition = taskDefinition;
  };
  const actions = ecsActions({
    tasks,
    services,
    scheduler,
    definitionOf,
    definitions: () => definitions.values(),
    deploy,
    runTask,
  });

  return {
    deregistrationDelays,
    async call(action, input) {
      const perform = actions[action.charAt(0).toUpperCase() + action.slice(1)];
      if (!perform)
        throw ecsError(
          'InvalidAction',
          `The local ECS does not know ${action}. It knows ${Object.keys(actions).join(', ')}.`,
        );
      // Every look moves the scheduler on: it has no clock of its own.
      scheduler.scheduleAll();
      return perform(input);
    },
    registerTaskDefinition({ family, containerDefinitions }) {
      const revision = 1 + [...definitions.values()].filter((one) => one.family === family).length;
      const taskDefinitionArn = `${accountArn}:task-definition/${family}:${revision}`;
      const definition: TaskDefinition = {
        taskDefinitionArn,
        family,
        revision,
        status: 'ACTIVE',
        containerDefinitions,
      };
      definitions.set(taskDefinitionArn, definition);
      return definition;
    },
    async putService({ cluster, serviceName, taskDefinition, desiredCount, ...others }, signal) {
      const service: Service = services.get(serviceName) ?? {
        serviceArn: `${accountArn}:service/${cluster}/${serviceName}`,
        serviceName,
        clusterArn: `${accountArn}:cluster/${cluster}`,
        taskDefinition,
        desiredCount,
        deployments: [],
      };
      deploy(service, taskDefinition);
      Object.assign(service, { desiredCount, ...others });
      services.set(serviceName, service);
      await scheduler.stable(service, signal);
      return service;
    },
    async deleteService(serviceName) {
      const service = services.get(serviceName);
      if (!service) return;
      service.desiredCount = 0;
      scheduler.schedule(service);
      services.delete(serviceName);
      await Promise.all(scheduler.tasksOf(service).map(({ stopped }) => stopped));
    },
    runTask,
    tasks: () => tasks.map(apiTask),
    service: (serviceName) => structuredClone(services.get(serviceName)),
    async stopGroup(group) {
      const found = tasks.filter((task) => task.group === group);
      for (const task of found) task.stop({ stopCode: 'UserInitiated', stoppedReason: 'Stopped by hand' });
      await Promise.all(found.map(({ stopped }) => stopped));
    },
    imageOf: (taskDefinition) => definitions.get(taskDefinition)?.containerDefinitions[0]?.image ?? null,
    deregister(taskDefinition) {
      definitionOf(taskDefinition).status = 'INACTIVE';
    },
    kill(taskDefinition) {
      for (const task of tasks.filter(({ taskDefinitionArn }) => taskDefinitionArn === taskDefinition)) task.kill();
    },
    async stopAll() {
      scheduler.shutDown();
      for (const task of tasks) task.stop({ stopCode: 'UserInitiated', stoppedReason: 'The rehearsal has ended' });
      await Promise.all(tasks.map(({ stopped }) => stopped));
    },
  };
}
