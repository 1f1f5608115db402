import type { JsonObject } from '../../statemachine/asl.ts';
import type { LoadBalancer } from '../load-balancer.ts';
import type { ContainerOverride, Deployment, Service, Task, TaskDefinition } from './model.ts';
import { type RunningTask, startTask, type TaskStart, type TaskWorld } from './tasks.ts';

/** A region's ECS in this process: task definitions, one kind of service, tasks as child processes. */
export interface LocalEcs {
  /** Answers an API action in the shapes of the SDK's client. Rejects with errors that carry ECS's names. */
  call(action: string, input: JsonObject): Promise<object>;
  registerTaskDefinition(definition: Omit<TaskDefinition, 'taskDefinitionArn' | 'revision'>): TaskDefinition;
  /** Creates or changes a service, as CloudFormation does: a new task definition makes a new deployment. */
  putService(service: { cluster: string; serviceName: string; taskDefinition: string; desiredCount: number }): Service;
  deleteService(serviceName: string): Promise<void>;
  /** Waits until the service has what it should have and nothing else. */
  stable(serviceName: string, signal?: AbortSignal): Promise<void>;
  runTask(start: Omit<TaskStart, 'definition' | 'startedBy'> & { taskDefinition: string }): RunningTask;
  tasks(): Task[];
  /** Image of the first container of a task definition. */
  imageOf(taskDefinition: string): string | null;
  stopAll(): Promise<void>;
}

const STABLE_POLL_SECONDS = 5;
const RESTART_SECONDS = 2;

export function createEcs(world: TaskWorld, balancer: LoadBalancer): LocalEcs {
  const definitions = new Map<string, TaskDefinition>();
  const services = new Map<string, Service>();
  const tasks: RunningTask[] = [];
  let stopping = false;

  const definitionOf = (arn: string): TaskDefinition => {
    const found = definitions.get(arn);
    if (!found) throw ecsError('ClientException', `Unable to describe task definition ${arn}.`);
    return found;
  };
  const serviceOf = (nameOrArn: string): Service => {
    const found = [...services.values()].find(
      ({ serviceName, serviceArn }) => serviceName === nameOrArn || serviceArn === nameOrArn,
    );
    if (!found) throw ecsError('ServiceNotFoundException', 'Service not found.');
    return found;
  };
  const tasksOf = ({ serviceName }: Service): RunningTask[] =>
    tasks.filter(({ group }) => group === `service:${serviceName}`);

  /** What the service scheduler does until the service is as it should be. Old tasks go first: MinimumHealthyPercent is 0. */
  const schedule = (service: Service): void => {
    const alive = tasksOf(service).filter(({ desiredStatus }) => desiredStatus === 'RUNNING');
    const current = alive.filter(({ taskDefinitionArn }) => taskDefinitionArn === service.taskDefinition);
    const surplus = [...alive.filter((task) => !current.includes(task)), ...current.slice(service.desiredCount)];
    for (const task of surplus) {
      task.stop({
        stopCode: 'ServiceSchedulerInitiated',
        stoppedReason: `Scaling activity initiated by (deployment ${service.deployments[0]?.id})`,
      });
    }
    const ending = tasksOf(service).filter(
      ({ lastStatus, desiredStatus }) => desiredStatus === 'STOPPED' && lastStatus !== 'STOPPED',
    );
    if (!stopping && ending.length === 0) {
      for (let missing = service.desiredCount - current.length; missing > 0; missing--) begin(service);
    }
    const [primary] = service.deployments;
    if (
      primary &&
      ending.length === 0 &&
      current.filter(({ lastStatus }) => lastStatus === 'RUNNING').length === service.desiredCount
    ) {
      primary.rolloutState = 'COMPLETED';
      service.deployments = [primary];
    }
  };
  const begin = (service: Service): void => {
    const cluster = service.clusterArn.split('/').at(-1) as string;
    const task = startTask(world, {
      cluster,
      definition: definitionOf(service.taskDefinition),
      group: `service:${service.serviceName}`,
      startedBy: service.deployments[0]?.id ?? 'ecs-svc',
      balancer,
    });
    tasks.push(task);
    void task.stopped.then(async () => {
      // A task that cannot start must not be started again without end in one breath.
      await world.clock.sleep(RESTART_SECONDS);
      if (services.has(service.serviceName)) schedule(service);
    });
  };

  const ecs: LocalEcs = {
    call: async (action, input) => {
      const perform = actions[action.charAt(0).toUpperCase() + action.slice(1)];
      if (!perform)
        throw ecsError(
          'InvalidAction',
          `The local ECS does not know ${action}. It knows ${Object.keys(actions).join(', ')}.`,
        );
      // Every look moves the scheduler on: it has no clock of its own.
      for (const service of services.values()) schedule(service);
      return perform(input);
    },
    registerTaskDefinition({ family, containerDefinitions }) {
      const revision = 1 + [...definitions.values()].filter((one) => one.family === family).length;
      const taskDefinitionArn = `${world.accountArn}:task-definition/${family}:${revision}`;
      const definition = { taskDefinitionArn, family, revision, containerDefinitions };
      definitions.set(taskDefinitionArn, definition);
      return definition;
    },
    putService({ cluster, serviceName, taskDefinition, desiredCount }) {
      const existing = services.get(serviceName);
      const deployment: Deployment = {
        id: `ecs-svc/${Date.now()}`,
        status: 'PRIMARY',
        taskDefinition,
        rolloutState: 'IN_PROGRESS',
      };
      const service: Service = existing ?? {
        serviceArn: `${world.accountArn}:service/${cluster}/${serviceName}`,
        serviceName,
        clusterArn: `${world.accountArn}:cluster/${cluster}`,
        taskDefinition,
        desiredCount,
        deployments: [deployment],
      };
      if (existing && existing.taskDefinition !== taskDefinition) {
        service.deployments = [
          deployment,
          ...service.deployments.map((one) => ({ ...one, status: 'ACTIVE' as const })),
        ];
      }
      Object.assign(service, { taskDefinition, desiredCount });
      services.set(serviceName, service);
      schedule(service);
      return service;
    },
    async deleteService(serviceName) {
      const service = serviceOf(serviceName);
      service.desiredCount = 0;
      schedule(service);
      services.delete(service.serviceName);
      await Promise.all(tasksOf(service).map(({ stopped }) => stopped));
    },
    async stable(serviceName, signal) {
      const service = serviceOf(serviceName);
      for (;;) {
        schedule(service);
        const running = tasksOf(service).filter(({ lastStatus }) => lastStatus !== 'STOPPED');
        const isStable =
          service.deployments.length === 1 &&
          running.length === service.desiredCount &&
          running.every(({ lastStatus }) => lastStatus === 'RUNNING');
        if (isStable) return;
        await world.clock.sleep(STABLE_POLL_SECONDS, signal);
      }
    },
    runTask({ taskDefinition, ...start }) {
      const task = startTask(world, { ...start, definition: definitionOf(taskDefinition), startedBy: '' });
      tasks.push(task);
      return task;
    },
    tasks: () => tasks.map(apiTask),
    imageOf: (taskDefinition) => definitions.get(taskDefinition)?.containerDefinitions[0]?.image ?? null,
    async stopAll() {
      stopping = true;
      for (const task of tasks) task.stop({ stopCode: 'UserInitiated', stoppedReason: 'The rehearsal has ended' });
      await Promise.all(tasks.map(({ stopped }) => stopped));
    },
  };

  const actions: Record<string, (input: JsonObject) => object> = {
    UpdateService(input) {
      const service = serviceOf(String(input.service));
      if (typeof input.desiredCount === 'number') service.desiredCount = input.desiredCount;
      schedule(service);
      return { service: apiService(service, tasksOf(service)) };
    },
    DescribeServices(input) {
      const names = (input.services as string[]) ?? [];
      const found = names.flatMap((name) =>
        [...services.values()].filter((one) => one.serviceName === name || one.serviceArn === name),
      );
      return {
        services: found.map((service) => apiService(service, tasksOf(service))),
        failures: found.length === names.length ? [] : [{ reason: 'MISSING' }],
      };
    },
    ListTasks(input) {
      const {
        family,
        serviceName,
        desiredStatus = 'RUNNING',
      } = input as { family?: string; serviceName?: string; desiredStatus?: string };
      const name = serviceName?.split('/').at(-1);
      const found = tasks.filter(
        (task) =>
          task.desiredStatus === desiredStatus &&
          (family === undefined || definitionOf(task.taskDefinitionArn).family === family) &&
          (name === undefined || task.group === `service:${name}`),
      );
      return { taskArns: found.map(({ taskArn }) => taskArn) };
    },
    DescribeTasks: (input) => ({
      tasks: tasks.filter(({ taskArn }) => (input.tasks as string[]).includes(taskArn)).map(apiTask),
      failures: [],
    }),
    DescribeTaskDefinition: (input) => ({ taskDefinition: definitionOf(String(input.taskDefinition)) }),
    RunTask(input) {
      const { cluster, taskDefinition, overrides } = input as unknown as {
        cluster: string;
        taskDefinition: string;
        overrides?: { containerOverrides?: ContainerOverride[] };
      };
      const task = ecs.runTask({
        cluster,
        taskDefinition,
        group: `family:${definitionOf(taskDefinition).family}`,
        overrides: overrides?.containerOverrides ?? [],
      });
      return { tasks: [apiTask(task)], failures: [] };
    },
    StopTask(input) {
      const task = tasks.find(({ taskArn }) => taskArn === input.task);
      if (!task) throw ecsError('InvalidParameterException', 'The referenced task was not found.');
      task.stop({ stopCode: 'UserInitiated', stoppedReason: String(input.reason ?? 'Task stopped by user') });
      return { task: apiTask(task) };
    },
  };
  return ecs;
}

function apiService(service: Service, tasks: Task[]): object {
  const count = (...statuses: string[]): number =>
    tasks.filter(({ lastStatus }) => statuses.includes(lastStatus)).length;
  return { ...service, runningCount: count('RUNNING'), pendingCount: count('PROVISIONING', 'PENDING') };
}

function apiTask({ stop: _stop, stopped: _stopped, ...task }: RunningTask): Task {
  return structuredClone(task);
}

function ecsError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
