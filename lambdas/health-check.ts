import { DescribeServicesCommand, ECSClient, type Service } from '@aws-sdk/client-ecs';
import { NotYet, Refused } from '../statemachine/errors.ts';
import { withDeadline } from './deadline.ts';
import { type Ecs, familyOf, findTasks } from './ecs-tasks.ts';
import { judgeAnswer, judgeService, type Objection } from './health-verdict.ts';
import { type RelayEndpoint, withRelay } from './nostr-client.ts';
import type { SampleEvent } from './sample-events.ts';

export interface HealthCheckEvent {
  cluster: string;
  service: string;
  /** The ARN of the task definition that has to run, and no other beside it. */
  taskDefinition: string;
  /** The domain under which clients reach the relay. */
  domain: string;
  /** Up to 32 events that the old relay returned; none for a relay that had none. */
  samples: SampleEvent[];
  /** ISO time after which it is not asked again; null or absent for none. */
  deadline?: string | null;
  /** Some of the samples may have been deleted since they were chosen: not all of them may be missing, and none altered. */
  maySamplesBeDeleted?: boolean;
}

export interface HealthCheckResult {
  domain: string;
  taskDefinition: string;
  /** How many samples came back unaltered. */
  checked: number;
  /** Ids of those that did not come, having been deleted since they were chosen. */
  missing: string[];
  /** True where there were no samples: the relay answers, and that is all that was checked. */
  emptyCheck: boolean;
}

export interface HealthCheckDependencies {
  ecs: Ecs;
  /** Where the relay of a domain is reached. */
  endpoint(domain: string): RelayEndpoint;
  /** For each step of the conversation with the relay. */
  timeoutSeconds?: number;
  now(): Date;
}

/** The service does not hold what it should, and waiting does not change that. */
export class HealthCheckFailed extends Error {
  override name = 'HealthCheckFailed';
}

const SAMPLES_MAX = 32;

/**
 * Makes the handler that asks whether the service serves, on the right task definition, the data it has to (runbook step 5e).
 *
 * ECS is asked first, since the old relay holds the same events and ECS's circuit breaker does not watch a change of the
 * desired count. Then the relay itself is asked over WebSocket, with a NIP-42 key of the moment.
 *
 * @throws NotYet while it can still come: no task runs, a deployment is under way, the relay does not answer
 * @throws HealthCheckFailed when another task definition runs for good, or a sampled event is missing or altered
 * @throws DeadlineExceeded in place of NotYet after the event's deadline
 * @throws Refused for more than 32 samples, or for a task definition that is no ARN
 */
export function createHandler(
  dependencies: HealthCheckDependencies,
): (event: HealthCheckEvent) => Promise<HealthCheckResult> {
  return withDeadline(dependencies.now, async (event: HealthCheckEvent) => {
    const { cluster, service, taskDefinition, domain, samples, maySamplesBeDeleted = false } = event;
    if (samples.length > SAMPLES_MAX) {
      throw new Refused(`The health check got ${samples.length} samples; expected at most ${SAMPLES_MAX}.`);
    }
    const { ecs, endpoint, timeoutSeconds } = dependencies;
    const described = await describeService(ecs, cluster, service);
    const groups = [{ serviceName: service }, { family: familyOf(taskDefinition) }];
    const tasks = await findTasks(ecs, cluster, groups);
    raise(judgeService(described, tasks, taskDefinition));

    const answer = await askRelay(endpoint(domain), timeoutSeconds, samples);
    raise(judgeAnswer(samples, answer, { maySamplesBeDeleted }));
    const came = new Set(answer.map((found) => (found as { id?: unknown } | null)?.id));
    const missing = samples.map(({ id }) => id).filter((id) => !came.has(id));
    const checked = samples.length - missing.length;
    return { domain, taskDefinition, checked, missing, emptyCheck: samples.length === 0 };
  });
}

export const handler = createHandler({
  ecs: new ECSClient({}),
  endpoint: (domain) => ({ url: `wss://${domain}` }),
  now: () => new Date(),
});

async function describeService(ecs: Ecs, cluster: string, service: string): Promise<Service> {
  const { services = [], failures = [] } = await ecs.send(
    new DescribeServicesCommand({ cluster, services: [service] }),
  );
  const [found] = services;
  if (found !== undefined) return found;
  const reason = failures[0]?.reason ?? 'no reason given';
  throw new HealthCheckFailed(
    `Service ${service} was not found in cluster ${cluster}: ${reason}. Check the settings' names.`,
  );
}

async function askRelay(
  endpoint: RelayEndpoint,
  timeoutSeconds: number | undefined,
  samples: SampleEvent[],
): Promise<unknown[]> {
  const filter = samples.length === 0 ? { limit: 1 } : { ids: samples.map(({ id }) => id) };
  try {
    return await withRelay(endpoint, (client) => client.query(filter), timeoutSeconds ? { timeoutSeconds } : {});
  } catch (cause) {
    throw new NotYet(`The relay does not answer as it should: ${(cause as Error).message}`, { cause });
  }
}

function raise(objection: Objection | undefined): void {
  if (objection === undefined) return;
  const message = `${objection.reason.charAt(0).toUpperCase()}${objection.reason.slice(1)}.`;
  throw objection.kind === 'later' ? new NotYet(message) : new HealthCheckFailed(message);
}
