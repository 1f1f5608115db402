import type { TaskState } from './asl.ts';
import type { Settings } from './settings.ts';
import { callAws, invoke, pollEvery } from './tasks.ts';

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

/** Asks for one task or none, of whichever relay the service now has. */
export function scale(desiredCount: 0 | 1, comment: string, step: Step): TaskState {
  return callAws(
    'ecs',
    'updateService',
    { Cluster: '{% $plan.cluster %}', Service: '{% $plan.service %}', DesiredCount: desiredCount },
    { comment, ...step },
  );
}

/** Waits until no task of the family is left, by whatever it was started; `$stopped` tells when the last one ended. */
export function awaitStopped(settings: Settings, comment: string, step: Step): TaskState {
  return invoke(
    'assert-quiet',
    { action: 'count', cluster: '{% $plan.cluster %}', family: '{% $plan.family %}' },
    {
      comment,
      assign: { stopped: '{% $states.result.Payload %}' },
      poll: pollEvery(settings.pollIntervalSeconds, settings.drainTimeoutSeconds),
      ...step,
    },
  );
}

/** From the request for a task to a relay that answers as it should. `$health` and `$healthyAt` tell of it. */
export function healthCheck(settings: Settings, step: Step): TaskState {
  return invoke(
    'health-check',
    {
      cluster: '{% $plan.cluster %}',
      service: '{% $plan.service %}',
      taskDefinition: '{% $relay.taskDefinition %}',
      domain: '{% $plan.domain %}',
      samples: '{% $samples[] %}',
    },
    {
      comment: 'Wait until only that task definition runs, sign in over WebSocket and ask for known events',
      assign: { health: '{% $states.result.Payload %}', healthyAt: '{% $now() %}' },
      poll: pollEvery(settings.pollIntervalSeconds, settings.startTimeoutSeconds),
      ...step,
    },
  );
}
