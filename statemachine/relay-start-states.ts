import type { States } from './asl.ts';
import type { Settings } from './settings.ts';
import { callAws, invoke, pollEvery } from './tasks.ts';

interface RelayStart {
  /** Ends the names of the states. */
  suffix: string;
  next: string;
  onFailure?: string;
}

/** From the request for a task to a relay that answers as it should. `$health`, `$healthyAt` and `$relay` tell of it. */
export function relayStartStates(settings: Settings, { suffix, next, onFailure }: RelayStart): States {
  const failure = onFailure ? { onFailure } : {};
  return {
    [`Describe${suffix}`]: callAws(
      'ecs',
      'describeServices',
      { Cluster: '{% $plan.cluster %}', Services: ['{% $plan.service %}'] },
      {
        comment: 'Read which task definition the service now has',
        assign: { relay: { taskDefinition: '{% $states.result.Services[0].TaskDefinition %}' } },
        ...failure,
        next: `HealthCheck${suffix}`,
      },
    ),
    [`HealthCheck${suffix}`]: invoke(
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
        ...failure,
        next,
      },
    ),
  };
}
