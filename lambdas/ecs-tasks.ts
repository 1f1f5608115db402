import { DescribeTasksCommand, type ECSClient, ListTasksCommand, type Task } from '@aws-sdk/client-ecs';
import { Refused } from '../statemachine/errors.ts';

/** The one method of the ECS client that the handlers need. */
export type Ecs = Pick<ECSClient, 'send'>;

const DESCRIBED_TASKS_MAX = 100;

/**
 * All tasks of the given groups that ECS knows, running or recently stopped. By family as well as by service: a task that
 * was started by hand belongs to no service, and writes all the same. `desiredStatus` STOPPED holds those that are still
 * stopping too; PENDING never returns anything. Source: ECS API reference, ListTasks.
 *
 * @throws Error, to be repeated, when ECS lists a task and then cannot describe it: what is not seen may still write
 */
export async function findTasks(
  ecs: Ecs,
  cluster: string,
  groups: ({ family: string } | { serviceName: string })[],
): Promise<Task[]> {
  const arns = new Set<string>();
  for (const group of groups) {
    for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {
      let nextToken: string | undefined;
      do {
        const page = await ecs.send(
          new ListTasksCommand({ cluster, ...group, desiredStatus, ...(nextToken && { nextToken }) }),
        );
        for (const arn of page.taskArns ?? []) arns.add(arn);
        nextToken = page.nextToken;
      } while (nextToken);
    }
  }
  const tasks: Task[] = [];
  const remaining = [...arns];
  while (remaining.length > 0) {
    const batch = remaining.splice(0, DESCRIBED_TASKS_MAX);
    const answer = await ecs.send(new DescribeTasksCommand({ cluster, tasks: batch }));
    const [failure, ...others] = answer.failures ?? [];
    if (failure)
      throw new Error(
        `ECS lists ${others.length + 1} task(s) that it does not describe, first ${failure.arn}: ${failure.reason}. Repeat.`,
      );
    tasks.push(...(answer.tasks ?? []));
  }
  return tasks;
}

/**
 * The family in a task definition's ARN: `arn:aws:ecs:<region>:<account>:task-definition/<family>:<revision>`.
 *
 * @throws Refused for anything else
 */
export function familyOf(taskDefinition: string): string {
  const family = /(?:^|\/)([A-Za-z0-9_-]+):\d+$/.exec(taskDefinition)?.[1];
  if (family !== undefined) return family;
  throw new Refused(`"${taskDefinition}" is no task definition: expected an ARN that ends in family:revision.`);
}
