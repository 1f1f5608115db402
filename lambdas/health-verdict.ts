import type { Service, Task } from '@aws-sdk/client-ecs';
import { hasItsOwnId, isNostrEvent } from './nostr-event.ts';
import type { SampleEvent } from './sample-events.ts';

/** `later`: it is not so yet and can still come. `never`: waiting does not help. Undefined in a verdict's place: all is well. */
export type Objection = { kind: 'later' | 'never'; reason: string };

/**
 * Judges whether a service runs one task definition and nothing else.
 *
 * @param tasks the tasks of the service and of the task definition's family, stopped ones among them
 */
export function judgeService(service: Service, tasks: Task[], taskDefinition: string): Objection | undefined {
  const deployments = (service.deployments ?? []).filter(({ status }) => status !== 'INACTIVE');
  const primary = deployments.find(({ status }) => status === 'PRIMARY');
  const name = service.serviceName;
  if (primary === undefined) return later(`service ${name} has no PRIMARY deployment`);
  if (primary.rolloutState === 'FAILED') {
    return never(`the deployment of service ${name} failed: ${primary.rolloutStateReason ?? 'ECS gives no reason'}`);
  }

  // While a deployment is under way, what still runs of another task definition may yet go.
  const isUnderWay = deployments.length > 1 || primary.rolloutState === 'IN_PROGRESS';
  const unlessDone = isUnderWay ? later : never;
  if (primary.taskDefinition !== taskDefinition) {
    return unlessDone(
      `the PRIMARY deployment of service ${name} uses ${primary.taskDefinition}; expected ${taskDefinition}`,
    );
  }
  const alive = tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED');
  const others = alive.filter(({ taskDefinitionArn }) => taskDefinitionArn !== taskDefinition);
  if (others.length > 0) {
    const seen = others.map((task) => `${task.taskArn} of ${task.taskDefinitionArn}`).join(', ');
    const areLeaving = others.every(({ desiredStatus }) => desiredStatus === 'STOPPED');
    return (areLeaving ? later : unlessDone)(`beside ${taskDefinition} there runs ${seen}`);
  }
  if (deployments.length > 1) {
    return later(`service ${name} still has ${deployments.length} active deployments; expected 1`);
  }
  if (!alive.some((task) => task.lastStatus === 'RUNNING' && task.desiredStatus !== 'STOPPED')) {
    const states = alive.map(({ lastStatus }) => lastStatus).join(', ') || 'none';
    return later(`no task of service ${name} is RUNNING (desired count ${service.desiredCount}; tasks: ${states})`);
  }
  return undefined;
}

/**
 * Judges whether every sample came back unaltered: the id, recomputed by NIP-01 from what came, covers every field but the
 * signature, which is compared by itself.
 */
export function judgeAnswer(
  samples: SampleEvent[],
  answer: unknown[],
  { maySamplesBeDeleted }: { maySamplesBeDeleted: boolean },
): Objection | undefined {
  const missing: string[] = [];
  const altered: string[] = [];
  for (const { id, sig } of samples) {
    const found = answer.filter((event) => (event as { id?: unknown } | null)?.id === id);
    if (found.length === 0) missing.push(id);
    else if (!found.every((event) => isNostrEvent(event) && hasItsOwnId(event) && event.sig === sig)) altered.push(id);
  }
  const isMissing = maySamplesBeDeleted ? missing.length === samples.length && samples.length > 0 : missing.length > 0;
  if (!isMissing && altered.length === 0) return undefined;
  const counted = (ids: string[], what: string) =>
    ids.length === 0 ? [] : [`${ids.length} of ${samples.length} sampled events ${what}, first ${ids[0]}`];
  return never([...counted(missing, 'are missing'), ...counted(altered, 'came back altered')].join('; '));
}

function later(reason: string): Objection {
  return { kind: 'later', reason };
}

function never(reason: string): Objection {
  return { kind: 'never', reason };
}
