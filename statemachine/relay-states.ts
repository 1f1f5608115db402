import type { Json, JsonObject, TaskState } from './asl.ts';
import type { Settings } from './settings.ts';
import { callAws, invoke, pollEvery } from './tasks.ts';
import { WRITE_STOP_BEGINS, WRITE_STOP_ENDS } from './write-stop.ts';

interface Step {
  next: string;
  onFailure?: string;
}

/** Reads into `$relay` which task definition the service has, while it is still stopped: only that one may run afterwards. */
export function describeRelay(step: Step): TaskState {
  return callAws(
    'ecs',
    'describeServices',
    { Cluster: '{% $plan.cluster %}', Services: ['{% $plan.service %}'] },
    {
      comment: 'Read which task definition the service has, before its task is started',
      assign: { relay: { taskDefinition: '{% $states.result.Services[0].TaskDefinition %}' } },
      ...step,
    },
  );
}

/** Asks ECS to stop whatever the service runs. */
export function scaleDown(settings: Settings, comment: string, step: Step): TaskState {
  return scale(settings, { desiredCount: 0 }, comment, step);
}

/**
 * Asks ECS for one task of the very task definition that was looked at: a service that somebody has given another one
 * meanwhile would start a relay with the other store. Naming the one that it has makes no new deployment.
 */
export function scaleUp(settings: Settings, comment: string, step: Step): TaskState {
  return scale(settings, { desiredCount: 1, taskDefinition: '{% $relay.taskDefinition %}' }, comment, step);
}

/** By a function and not by the API itself: only whoever has the lock may do it, a redriven execution too. */
function scale({ stackName }: Settings, count: JsonObject, comment: string, step: Step): TaskState {
  return invoke(
    'scale-service',
    {
      stackName,
      owner: '{% $states.context.Execution.Id %}',
      cluster: '{% $plan.cluster %}',
      service: '{% $plan.service %}',
      ...count,
    },
    { comment, ...step },
  );
}

interface AwaitStopped extends Step {
  comment: string;
  assign?: JsonObject;
  /** Stop those too that the service did not start: a relay that was started by hand never ends by itself. */
  stop?: true;
}

/**
 * Waits until no task of the family is left, by whatever it was started; `$stopped` tells when the last one ended, and
 * `$writeStop` begins then.
 */
export function awaitStopped(settings: Settings, { comment, assign, stop, ...step }: AwaitStopped): TaskState {
  return invoke(
    'assert-quiet',
    {
      action: 'count',
      cluster: '{% $plan.cluster %}',
      family: '{% $plan.family %}',
      ...(stop && { stop: { stackName: settings.stackName, owner: '{% $states.context.Execution.Id %}' } }),
    },
    {
      comment,
      assign: {
        stopped: { stoppedAt: '{% $states.result.Payload.stoppedAt %}', seenAt: '{% $now() %}' },
        writeStop: WRITE_STOP_BEGINS,
        ...assign,
      },
      poll: pollEvery(settings.pollIntervalSeconds, settings.drainTimeoutSeconds),
      ...step,
    },
  );
}

/** From the request for a task to a relay that answers as it should. `$health` tells of it, and `$writeStop` ends. */
export function healthCheck(
  settings: Settings,
  { deadline, maySamplesBeDeleted = false, ...step }: Step & { deadline: Json; maySamplesBeDeleted?: Json },
): TaskState {
  return invoke(
    'health-check',
    {
      cluster: '{% $plan.cluster %}',
      service: '{% $plan.service %}',
      taskDefinition: '{% $relay.taskDefinition %}',
      domain: '{% $plan.domain %}',
      samples: '{% $samples[] %}',
      deadline,
      // What the old relay served before the stop, a client may have deleted while it drained.
      maySamplesBeDeleted,
    },
    {
      comment: 'Wait until only that task definition runs, sign in over WebSocket and ask for known events',
      assign: { health: '{% $states.result.Payload %}', writeStop: WRITE_STOP_ENDS },
      poll: pollEvery(settings.pollIntervalSeconds, settings.startTimeoutSeconds),
      ...step,
    },
  );
}
