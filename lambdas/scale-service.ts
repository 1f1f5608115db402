import { ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import type { Ecs } from './ecs-tasks.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { assertOurs, type LockStore } from './execution-lock/lock-store.ts';

export interface ScaleServiceEvent {
  /** Name of the relay's stack. */
  stackName: string;
  /** ARN of the calling execution: it has to have the stack's lock. */
  owner: string;
  cluster: string;
  service: string;
  /** Tasks. */
  desiredCount: 0 | 1;
  /** ARN of the task definition that has to run; naming the one that the service has makes no new deployment. */
  taskDefinition?: string;
}

export interface ScaleServiceDependencies {
  ecs: Ecs;
  lock: Pick<LockStore, 'read'>;
}

/**
 * Makes the handler that starts and stops the relay by its service's desired count (runbook steps 5a and 5e), while the
 * calling execution has the lock: one that is redriven after another has brought the old relay back would start the new one
 * on a copy that is stale by then, or stop what serves.
 *
 * @throws LockHeld when the lock is not the caller's (any more)
 */
export function createHandler(
  dependencies: ScaleServiceDependencies,
): (event: ScaleServiceEvent) => Promise<{ desiredCount: number }> {
  return async ({ stackName, owner, cluster, service, desiredCount, taskDefinition }) => {
    assertOurs(await dependencies.lock.read(stackName), stackName, owner);
    await dependencies.ecs.send(
      new UpdateServiceCommand({ cluster, service, desiredCount, ...(taskDefinition && { taskDefinition }) }),
    );
    return { desiredCount };
  };
}

let deployed: ((event: ScaleServiceEvent) => Promise<{ desiredCount: number }>) | undefined;

/** The Lambda entry point; the table with the locks stands in LOCK_TABLE. */
export async function handler(event: ScaleServiceEvent): Promise<{ desiredCount: number }> {
  deployed ??= createHandler({ ecs: new ECSClient({}), lock: deployedStore(process.env) });
  return deployed(event);
}
