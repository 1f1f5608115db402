import type { Clock } from '../clock.ts';
import type { Deployment, Service } from './model.ts';
import type { RunningTask } from './tasks.ts';

export interface SchedulerWorld {
  clock: Clock;
  services: Map<string, Service>;
  tasks: RunningTask[];
  start(service: Service): RunningTask;
}

export interface Scheduler {
  /** Moves a service one step towards what it should be. */
  schedule(service: Service): void;
  scheduleAll(): void;
  tasksOf(service: Service): RunningTask[];
  /** Waits until the service has what it should have and nothing else. Rejects once everything is shut down. */
  stable(service: Service, signal?: AbortSignal): Promise<void>;
  /** From now on tasks are stopped and none is started. */
  shutDown(): void;
}

const STABLE_POLL_SECONDS = 5;
const RESTART_SECONDS = 2;
/** Source: ECS developer guide, "How the deployment circuit breaker works": three for a service of one task. */
const FAILED_TASKS_MAX = 3;

/** The part of ECS that starts and stops the tasks of services. Old tasks go before new ones come: MinimumHealthyPercent is 0. */
export function createScheduler({ clock, services, tasks, start }: SchedulerWorld): Scheduler {
  let shuttingDown = false;
  const tasksOf = ({ serviceName }: Service): RunningTask[] =>
    tasks.filter(({ group }) => group === `service:${serviceName}`);

  const schedule = (service: Service): void => {
    const alive = tasksOf(service).filter(({ desiredStatus }) => desiredStatus === 'RUNNING');
    const current = alive.filter(({ taskDefinitionArn }) => taskDefinitionArn === service.taskDefinition);
    const surplus = [...alive.filter((task) => !current.includes(task)), ...current.slice(service.desiredCount)];
    const stoppedReason = `Scaling activity initiated by (deployment ${service.deployments[0]?.id})`;
    for (const task of surplus) task.stop({ stopCode: 'ServiceSchedulerInitiated', stoppedReason });

    const ending = tasksOf(service).some((task) => task.desiredStatus === 'STOPPED' && task.lastStatus !== 'STOPPED');
    if (ending || shuttingDown) return;
    for (let missing = service.desiredCount - current.length; missing > 0; missing--) watch(service, start(service));
    const running = current.filter(({ lastStatus }) => lastStatus === 'RUNNING').length;
    if (running === service.desiredCount) completeRollout(service);
  };

  const watch = async (service: Service, task: RunningTask): Promise<void> => {
    tasks.push(task);
    await task.stopped;
    // A task that cannot start must not be started again without end in one breath.
    await clock.sleep(RESTART_SECONDS);
    if (services.has(service.serviceName)) schedule(service);
  };

  return {
    schedule,
    scheduleAll: () => {
      for (const service of services.values()) schedule(service);
    },
    tasksOf,
    async stable(service, signal) {
      for (;;) {
        if (shuttingDown) throw new Error('The rehearsal has ended: no task is started any more.');
        schedule(service);
        breakCircuit(service, tasksOf(service));
        const alive = tasksOf(service).filter(({ lastStatus }) => lastStatus !== 'STOPPED');
        const allRun = alive.every(({ lastStatus }) => lastStatus === 'RUNNING');
        if (service.deployments.length === 1 && alive.length === service.desiredCount && allRun) return;
        await clock.sleep(STABLE_POLL_SECONDS, signal);
      }
    },
    shutDown() {
      shuttingDown = true;
    },
  };
}

/** A new task definition makes a new deployment; a change of the count does not. */
export function newDeployment(taskDefinition: string, time: Date): Deployment {
  return { id: `ecs-svc/${time.getTime()}`, status: 'PRIMARY', taskDefinition, rolloutState: 'IN_PROGRESS' };
}

function completeRollout(service: Service): void {
  const [primary] = service.deployments;
  if (!primary) return;
  primary.rolloutState = 'COMPLETED';
  service.deployments = [primary];
}

/** Only a deployment under way is watched: a change of the count makes none. @throws Error, as CloudFormation reports it */
function breakCircuit({ deployments: [primary] }: Service, tasks: RunningTask[]): void {
  if (primary?.rolloutState !== 'IN_PROGRESS') return;
  const failed = tasks.filter(
    ({ startedBy, stopCode }) =>
      startedBy === primary.id && (stopCode === 'EssentialContainerExited' || stopCode === 'TaskFailedToStart'),
  );
  if (failed.length < FAILED_TASKS_MAX) return;
  primary.rolloutState = 'FAILED';
  throw new Error(
    `Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."`,
  );
}
