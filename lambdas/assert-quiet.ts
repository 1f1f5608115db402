import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ECSClient, StopTaskCommand, type Task } from '@aws-sdk/client-ecs';
import { NotQuiet, NotYet } from '../statemachine/errors.ts';
import { type Ecs, findTasks } from './ecs-tasks.ts';
import { deployedStore } from './execution-lock/dynamodb-store.ts';
import { assertOurs, type LockStore } from './execution-lock/lock-store.ts';

export type AssertQuietEvent =
  | {
      action: 'count';
      cluster: string;
      family: string;
      /**
       * Every task that should still run is asked to stop, by whatever it was started; for the execution that has the
       * stack's lock only.
       */
      stop?: { stackName: string; owner: string };
    }
  | {
      action: 'assert';
      cluster: string;
      family: string;
      /** ISO time of the stop. */
      since: string;
      /** Absent where the stack is not asked: the way back changes it afterwards in any case. */
      stackName?: string;
      /** ARN of the last change set of ours that the stack has taken; null or empty when it had taken none. */
      stackChange?: string | null;
    };

export interface AssertQuietResult {
  /** ISO time at which the last task stopped: the write stop begins here, not at the request. */
  stoppedAt: string;
}

export interface AssertQuietDependencies {
  ecs: Ecs;
  cloudFormation: Pick<CloudFormationClient, 'send'>;
  /** Asked before anything is stopped. */
  lock: Pick<LockStore, 'read'>;
  now(): Date;
}

/**
 * Makes the handler that sees to it that nobody writes: `count` waits for the last task of the family to stop, and stops
 * them where it is told to; `assert` states afterwards that none has run since and that the stack is as we left it.
 *
 * @throws NotYet (`count`) while a task has not stopped, NotQuiet (`assert`) when one ran or the stack was changed, LockHeld
 *   when it is told to stop tasks by an execution that has not the lock (any more)
 */
export function createHandler(
  dependencies: AssertQuietDependencies,
): (event: AssertQuietEvent) => Promise<AssertQuietResult> {
  const { ecs, cloudFormation, lock, now } = dependencies;
  return async (event) => {
    if (event.action === 'count' && event.stop) {
      const { stackName, owner } = event.stop;
      assertOurs(await lock.read(stackName), stackName, owner);
    }
    const tasks = await findTasks(ecs, event.cluster, [{ family: event.family }]);
    const moving = tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED');
    if (event.action === 'count') {
      if (moving.length > 0) {
        if (event.stop) await stopAll(ecs, event.cluster, moving);
        throw new NotYet(`${moving.length} task(s) of ${event.family} have not stopped: ${describe(moving)}.`);
      }
      return { stoppedAt: lastStop(tasks) ?? now().toISOString() };
    }

    const since = new Date(event.since);
    // All that had been seen stopped by then; a task that stopped later ran later, whenever it was created.
    const isOver = ({ lastStatus, stoppedAt }: Task) => lastStatus === 'STOPPED' && (stoppedAt ?? now()) <= since;
    const ran = tasks.filter((task) => !isOver(task));
    if (ran.length > 0) {
      throw new NotQuiet(
        `A task of ${event.family} has run since the stop at ${event.since}: ${describe(ran)}. It may have written to the source; the copy has to be made again.`,
      );
    }
    if (event.stackName === undefined) return { stoppedAt: event.since };
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: event.stackName }));
    const seen = Stacks[0]?.ChangeSetId ?? '';
    if (seen !== (event.stackChange ?? '') || !Stacks[0]?.StackStatus?.endsWith('_COMPLETE')) {
      throw new NotQuiet(
        `Somebody else has changed the stack ${event.stackName}: its status is ${Stacks[0]?.StackStatus} by change set ${seen || 'none'}, expected a complete one by ${event.stackChange || 'none'}.`,
      );
    }
    return { stoppedAt: event.since };
  };
}

let deployed: ((event: AssertQuietEvent) => Promise<AssertQuietResult>) | undefined;

/** The Lambda entry point; the table with the locks stands in LOCK_TABLE. */
export async function handler(event: AssertQuietEvent): Promise<AssertQuietResult> {
  deployed ??= createHandler({
    ecs: new ECSClient({}),
    cloudFormation: new CloudFormationClient({}),
    lock: deployedStore(process.env),
    now: () => new Date(),
  });
  return deployed(event);
}

/** Asks every task that is not going already; one that cannot be asked does not save the others. */
async function stopAll(ecs: Ecs, cluster: string, moving: Task[]): Promise<void> {
  const reason = 'The way back stops every relay before the old one starts';
  const running = moving.filter(({ desiredStatus }) => desiredStatus === 'RUNNING');
  const answers = await Promise.allSettled(
    running.map(({ taskArn }) => ecs.send(new StopTaskCommand({ cluster, task: taskArn, reason }))),
  );
  const failed = answers.find((answer) => answer.status === 'rejected' && !isGone(answer.reason));
  if (failed?.status === 'rejected') throw failed.reason;
}

/** ECS forgets a stopped task, and a task that ended by itself meanwhile is as good as stopped. */
function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.name === 'InvalidParameterException' &&
    error.message.includes('referenced task was not found')
  );
}

function describe(tasks: Task[]): string {
  return tasks.map(({ taskArn = '', lastStatus }) => `${taskArn.split('/').at(-1)} ${lastStatus}`).join(', ');
}

function lastStop(tasks: Task[]): string | undefined {
  const times = tasks.flatMap(({ stoppedAt }) => (stoppedAt ? [stoppedAt.getTime()] : []));
  return times.length === 0 ? undefined : new Date(Math.max(...times)).toISOString();
}
