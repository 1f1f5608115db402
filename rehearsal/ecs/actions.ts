import type { JsonObject } from '../../statemachine/asl.ts';
import type { ContainerOverride, Service, Task, TaskDefinition } from './model.ts';
import type { Scheduler } from './service-scheduler.ts';
import type { RunningTask, TaskStart } from './tasks.ts';

export interface ActionWorld {
  tasks: RunningTask[];
  services: Map<string, Service>;
  scheduler: Scheduler;
  definitionOf(arn: string): TaskDefinition;
  definitions(): Iterable<TaskDefinition>;
  /** Gives a service a task definition; another one than it has makes a new deployment. */
  deploy(service: Service, taskDefinition: string): void;
  runTask(start: Omit<TaskStart, 'definition' | 'startedBy'> & { taskDefinition: string }): RunningTask;
}

/** The API actions that the state machine and the handlers call, with inputs and outputs in camelCase as the API has them. */
export function ecsActions(world: ActionWorld): Record<string, (input: JsonObject) => object> {
  const { tasks, services, scheduler, definitionOf, deploy } = world;
  const find = (name: string): Service | undefined =>
    [...services.values()].find(({ serviceName, serviceArn }) => serviceName === name || serviceArn === name);
  return {
    UpdateService(input) {
      const service = find(String(input.service));
      if (!service) throw ecsError('ServiceNotFoundException', 'Service not found.');
      if (typeof input.desiredCount === 'number') service.desiredCount = input.desiredCount;
      if (typeof input.taskDefinition === 'string')
        deploy(service, definitionOf(input.taskDefinition).taskDefinitionArn);
      scheduler.schedule(service);
      return { service: apiService(service, scheduler.tasksOf(service)) };
    },
    DescribeServices(input) {
      const names = input.services as string[];
      const found = names.map(find).filter((service) => service !== undefined);
      const failures = found.length === names.length ? [] : [{ reason: 'MISSING' }];
      return { services: found.map((service) => apiService(service, scheduler.tasksOf(service))), failures };
    },
    ListTasks(input) {
      const { family, serviceName, desiredStatus = 'RUNNING' } = input as Record<string, string | undefined>;
      const name = serviceName?.split('/').at(-1);
      const found = tasks.filter(
        (task) =>
          task.desiredStatus === desiredStatus &&
          (family === undefined || definitionOf(task.taskDefinitionArn).family === family) &&
          (name === undefined || task.group === `service:${name}`),
      );
      return { taskArns: found.map(({ taskArn }) => taskArn) };
    },
    DescribeTasks(input) {
      const wanted = input.tasks as string[];
      return { tasks: tasks.filter(({ taskArn }) => wanted.includes(taskArn)).map(apiTask), failures: [] };
    },
    DescribeTaskDefinition: (input) => ({ taskDefinition: definitionOf(String(input.taskDefinition)) }),
    ListTaskDefinitions({ familyPrefix, status = 'ACTIVE' }) {
      const found = [...world.definitions()].filter((one) => one.family === familyPrefix && one.status === status);
      return { taskDefinitionArns: found.map(({ taskDefinitionArn }) => taskDefinitionArn) };
    },
    DeregisterTaskDefinition(input) {
      const definition = definitionOf(String(input.taskDefinition));
      definition.status = 'INACTIVE';
      return { taskDefinition: definition };
    },
    RunTask(input) {
      const { cluster, taskDefinition } = input as { cluster: string; taskDefinition: string };
      const { containerOverrides = [] } = (input.overrides ?? {}) as { containerOverrides?: ContainerOverride[] };
      const group = `family:${definitionOf(taskDefinition).family}`;
      return {
        tasks: [apiTask(world.runTask({ cluster, taskDefinition, group, overrides: containerOverrides }))],
        failures: [],
      };
    },
    StopTask(input) {
      const task = tasks.find(({ taskArn }) => taskArn === input.task);
      if (!task) throw ecsError('InvalidParameterException', 'The referenced task was not found.');
      task.stop({ stopCode: 'UserInitiated', stoppedReason: String(input.reason ?? 'Task stopped by user') });
      return { task: apiTask(task) };
    },
  };
}

function apiService(service: Service, tasks: Task[]): object {
  const count = (...statuses: string[]): number =>
    tasks.filter(({ lastStatus }) => statuses.includes(lastStatus)).length;
  return {
    ...structuredClone(service),
    runningCount: count('RUNNING'),
    pendingCount: count('PROVISIONING', 'PENDING'),
  };
}

/** What the API tells of a task, as it is at this moment. */
export function apiTask({ stop: _stop, kill: _kill, stopped: _stopped, ...task }: RunningTask): Task {
  return structuredClone(task);
}

export function ecsError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
