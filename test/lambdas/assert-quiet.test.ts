import type { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTasksCommand, type Failure, ListTasksCommand, StopTaskCommand, type Task } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { type AssertQuietEvent, createHandler } from '../../lambdas/assert-quiet.ts';
import { type Ecs, familyOf } from '../../lambdas/ecs-tasks.ts';
import type { LockItem } from '../../lambdas/execution-lock/lock-store.ts';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const STOP = '2026-01-01T11:50:00.000Z';
const COUNT: AssertQuietEvent = { action: 'count', cluster: 'cluster', family: 'relay' };
const OURS = 'arn:aws:cloudformation:me-central-1:123456789012:changeSet/ours/1';
const ASSERT = {
  action: 'assert',
  cluster: 'cluster',
  family: 'relay',
  since: STOP,
  stackName: 'stack',
  stackChange: OURS as string | null,
} as const;

interface ListedTask extends Task {
  family?: string;
}

const at = (time: string) => new Date(`2026-01-01T${time}Z`);
const stopped = (name: string, createdAt: string, stoppedAt: string): ListedTask => ({
  taskArn: `arn:aws:ecs:me-central-1:123456789012:task/cluster/${name}`,
  desiredStatus: 'STOPPED',
  lastStatus: 'STOPPED',
  createdAt: at(createdAt),
  stoppedAt: at(stoppedAt),
});
const alive = (name: string, lastStatus: string, desiredStatus = 'RUNNING'): ListedTask => ({
  taskArn: `arn:aws:ecs:me-central-1:123456789012:task/cluster/${name}`,
  desiredStatus,
  lastStatus,
  createdAt: at('10:00:00'),
});
const OLD_TASK = stopped('old', '10:00:00', '11:50:00');

/** ECS with tasks of the family `relay` unless they say otherwise; it lists three a page. */
function ecsWith(tasks: ListedTask[], failures: Failure[] = []): Ecs & { described: number[] } {
  const described: number[] = [];
  const answer = (command: unknown) => {
    if (command instanceof ListTasksCommand) {
      const { cluster, family, desiredStatus = 'RUNNING', nextToken = '0' } = command.input;
      expect(cluster).toBe('cluster');
      // As ECS does it: a task that is being stopped stands under STOPPED from the request on.
      const found = tasks.filter((task) => (task.family ?? 'relay') === family && task.desiredStatus === desiredStatus);
      const page = Number(nextToken);
      const more = page + 3 < found.length ? { nextToken: String(page + 3) } : {};
      return { taskArns: found.slice(page, page + 3).map(({ taskArn }) => taskArn), ...more };
    }
    if (command instanceof DescribeTasksCommand) {
      const asked = command.input.tasks ?? [];
      described.push(asked.length);
      if (asked.length === 0 || asked.length > 100) throw new Error(`InvalidParameterException: ${asked.length} tasks`);
      return { tasks: tasks.filter(({ taskArn = '' }) => asked.includes(taskArn)), failures };
    }
    throw new Error('a call that nobody expected');
  };
  return { described, send: async (command: unknown) => answer(command) } as Ecs & { described: number[] };
}

const OWNER = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:a';
const LOCKED: LockItem = {
  ...{ stackName: 'stack', version: 1, owner: OWNER, since: '2026-01-01T11:00:00.000Z', takenFrom: null },
  ...{ released: false, held: null, plan: null },
};

function handlerFor(
  ecs: Ecs,
  stack: object = { StackStatus: 'UPDATE_COMPLETE', ChangeSetId: OURS },
  locked: LockItem | undefined = LOCKED,
) {
  const send = async (command: unknown) => {
    expect((command as DescribeStacksCommand).input).toEqual({ StackName: 'stack' });
    return { Stacks: [stack] };
  };
  return createHandler({ ecs, cloudFormation: { send } as never, lock: { read: async () => locked }, now: () => NOW });
}

const failure = (failing: Promise<unknown>) =>
  failing.then(
    (result) => expect.fail(`expected a failure, got ${JSON.stringify(result)}`),
    ({ name, message }: Error) => ({ name, message }),
  );

describe('assert-quiet, waiting for the stop', () => {
  it('gives the time at which the last task stopped', async () => {
    const ecs = ecsWith([stopped('a', '09:00:00', '10:00:00'), OLD_TASK, stopped('b', '08:00:00', '09:00:00')]);
    expect(await handlerFor(ecs)(COUNT)).toEqual({ stoppedAt: STOP });
  });

  it('gives the present time where ECS remembers no task', async () => {
    const ecs = ecsWith([]);
    expect(await handlerFor(ecs)(COUNT)).toEqual({ stoppedAt: NOW.toISOString() });
    expect(ecs.described).toEqual([]);
  });

  it.each([
    ['PROVISIONING', 'RUNNING'],
    ['PENDING', 'RUNNING'],
    ['ACTIVATING', 'RUNNING'],
    ['RUNNING', 'RUNNING'],
    ['RUNNING', 'STOPPED'],
    ['DEACTIVATING', 'STOPPED'],
    ['STOPPING', 'STOPPED'],
    ['DEPROVISIONING', 'STOPPED'],
  ])('waits for a task that is %s and should be %s', async (lastStatus, desiredStatus) => {
    const ecs = ecsWith([OLD_TASK, alive('other', lastStatus, desiredStatus)]);
    expect(await failure(handlerFor(ecs)(COUNT))).toEqual({
      name: 'NotYet',
      message: `1 task(s) of relay have not stopped: other ${lastStatus}.`,
    });
  });

  it('sees a task on the last of many pages, and asks for a hundred descriptions at a time', async () => {
    const past = Array.from({ length: 250 }, (_, index) => stopped(`past-${index}`, '09:00:00', '10:00:00'));
    const ecs = ecsWith([...past, alive('last', 'STOPPING', 'STOPPED')]);
    expect(await failure(handlerFor(ecs)(COUNT))).toEqual({
      name: 'NotYet',
      message: '1 task(s) of relay have not stopped: last STOPPING.',
    });
    expect(ecs.described).toEqual([100, 100, 51]);
  });

  it('sees a task that was started by hand, and none of another family', async () => {
    const byHand = { ...alive('by-hand', 'RUNNING'), group: 'family:relay', startedBy: 'somebody' };
    const migrator = { ...alive('migrator', 'RUNNING'), family: 'migrate' };
    expect(await failure(handlerFor(ecsWith([byHand, migrator]))(COUNT))).toMatchObject({
      message: '1 task(s) of relay have not stopped: by-hand RUNNING.',
    });
    expect(await handlerFor(ecsWith([OLD_TASK, migrator]))(COUNT)).toEqual({ stoppedAt: STOP });
  });

  it('does not take a task for stopped that ECS lists and does not describe', async () => {
    const ecs = ecsWith([], [{ arn: 'arn:task/1', reason: 'MISSING' }]);
    const listing = ecsWith([OLD_TASK]);
    const send = (command: never) =>
      (command as object) instanceof ListTasksCommand ? listing.send(command) : ecs.send(command);
    expect(await failure(handlerFor({ send } as Ecs)(COUNT))).toEqual({
      name: 'Error',
      message: 'ECS lists 1 task(s) that it does not describe, first arn:task/1: MISSING. Repeat.',
    });
  });
});

describe('assert-quiet, stopping', () => {
  const STOPPING: AssertQuietEvent = { ...COUNT, stop: { stackName: 'stack', owner: OWNER } };

  /** ECS that stops tasks, or fails to as `refusals` says by a task's name. */
  function stoppingEcs(tasks: ListedTask[], refusals: Record<string, Error> = {}) {
    const listing = ecsWith(tasks);
    const stops: object[] = [];
    const send = async (command: never) => {
      if (!((command as object) instanceof StopTaskCommand)) return listing.send(command);
      const { input } = command as StopTaskCommand;
      stops.push(input);
      const refusal = refusals[input.task?.split('/').at(-1) ?? ''];
      if (refusal !== undefined) throw refusal;
      return {};
    };
    return { stops, ecs: { send } as unknown as Ecs };
  }
  const named = (name: string, message: string) => Object.assign(new Error(message), { name });
  const stopOf = (name: string) => ({
    cluster: 'cluster',
    task: `arn:aws:ecs:me-central-1:123456789012:task/cluster/${name}`,
    reason: 'The way back stops every relay before the old one starts',
  });

  it('asks every task of the family that should still run to stop, and waits for all of them', async () => {
    const migrator = { ...alive('migrator', 'RUNNING'), family: 'migrate' };
    const { ecs, stops } = stoppingEcs([
      OLD_TASK,
      alive('running', 'RUNNING'),
      alive('starting', 'PROVISIONING'),
      alive('going', 'RUNNING', 'STOPPED'),
      migrator,
    ]);
    expect(await failure(handlerFor(ecs)(STOPPING))).toEqual({
      name: 'NotYet',
      message: '3 task(s) of relay have not stopped: running RUNNING, starting PROVISIONING, going RUNNING.',
    });
    expect(stops).toEqual([stopOf('running'), stopOf('starting')]);
  });

  it.each<[string, AssertQuietEvent]>([
    ['is not told to', COUNT],
    ['only asserts', ASSERT],
  ])('stops nothing when it %s', async (_, event) => {
    const { ecs, stops } = stoppingEcs([alive('running', 'RUNNING')]);
    await failure(handlerFor(ecs)(event));
    expect(stops).toEqual([]);
  });

  it.each([
    ['nobody has the lock', undefined],
    ['another execution has taken over', { ...LOCKED, owner: `${OWNER}-other` }],
    ['the execution has given it back', { ...LOCKED, released: true }],
  ])('stops nothing when %s', async (_, item) => {
    const { ecs, stops } = stoppingEcs([alive('running', 'RUNNING')]);
    const send = async () => ({ Stacks: [] });
    const handler = createHandler({
      ...{ ecs, cloudFormation: { send } as never, now: () => NOW },
      lock: { read: async () => item },
    });
    expect(await failure(handler(STOPPING))).toMatchObject({ name: 'LockHeld' });
    expect(stops).toEqual([]);
  });

  it('has nothing to stop when all have stopped', async () => {
    const { ecs, stops } = stoppingEcs([OLD_TASK]);
    expect(await handlerFor(ecs)(STOPPING)).toEqual({ stoppedAt: STOP });
    expect(stops).toEqual([]);
  });

  it('takes a task that is gone for stopped', async () => {
    const gone = named('InvalidParameterException', 'The referenced task was not found.');
    const { ecs } = stoppingEcs([alive('a', 'RUNNING')], { a: gone });
    expect(await failure(handlerFor(ecs)(STOPPING))).toMatchObject({ name: 'NotYet' });
  });

  it.each([
    named('AccessDeniedException', 'not allowed'),
    named('InvalidParameterException', 'Task Identifier is invalid'),
    named('ServerException', 'The referenced task was not found.'),
  ])('asks the others all the same when one cannot be stopped, and says why: $name', async (refusal) => {
    const { ecs, stops } = stoppingEcs([alive('a', 'RUNNING'), alive('b', 'RUNNING')], { a: refusal });
    expect(await failure(handlerFor(ecs)(STOPPING))).toEqual({ name: refusal.name, message: refusal.message });
    expect(stops).toEqual([stopOf('a'), stopOf('b')]);
  });
});

describe('assert-quiet, looking again', () => {
  const ran = (tasks: string) => ({
    name: 'NotQuiet',
    message: `A task of relay has run since the stop at ${STOP}: ${tasks}. It may have written to the source; the copy has to be made again.`,
  });

  it('finds it quiet when only what had stopped by then is there', async () => {
    const ecs = ecsWith([OLD_TASK, stopped('older', '08:00:00', '09:00:00')]);
    expect(await handlerFor(ecs)(ASSERT)).toEqual({ stoppedAt: STOP });
  });

  it.each<[string, ListedTask, string]>([
    ['runs', alive('new', 'RUNNING'), 'new RUNNING'],
    ['is starting', alive('new', 'PROVISIONING'), 'new PROVISIONING'],
    ['came and went since', stopped('new', '11:51:00', '11:52:00'), 'new STOPPED'],
    ['had not been seen and stopped later', stopped('unseen', '11:00:00', '11:50:01'), 'unseen STOPPED'],
    [
      'does not say when it stopped',
      { ...stopped('odd', '11:00:00', '11:00:00'), stoppedAt: undefined },
      'odd STOPPED',
    ],
  ])('does not find it quiet when a task %s', async (_, task, words) => {
    expect(await failure(handlerFor(ecsWith([OLD_TASK, task]))(ASSERT))).toEqual(ran(words));
  });

  it('takes no time for an answer that is none', async () => {
    const message = (await failure(handlerFor(ecsWith([OLD_TASK]))({ ...ASSERT, since: '' }))).message;
    expect(message).toMatch(/^A task of relay has run since the stop at : old STOPPED\./);
  });

  it.each([
    [
      'another change set',
      { StackStatus: 'UPDATE_COMPLETE', ChangeSetId: 'arn:theirs' },
      'UPDATE_COMPLETE',
      'arn:theirs',
    ],
    ['no change set', { StackStatus: 'UPDATE_COMPLETE' }, 'UPDATE_COMPLETE', 'none'],
    ['an update under way', { StackStatus: 'UPDATE_IN_PROGRESS', ChangeSetId: OURS }, 'UPDATE_IN_PROGRESS', OURS],
    [
      'the cleanup under way',
      { StackStatus: 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', ChangeSetId: OURS },
      'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      OURS,
    ],
    ['a failed rollback', { StackStatus: 'UPDATE_ROLLBACK_FAILED', ChangeSetId: OURS }, 'UPDATE_ROLLBACK_FAILED', OURS],
    ['no status', { ChangeSetId: OURS }, 'undefined', OURS],
  ])('does not find it quiet when the stack shows %s', async (_, stack, status, changeSet) => {
    expect(await failure(handlerFor(ecsWith([OLD_TASK]), stack)(ASSERT))).toEqual({
      name: 'NotQuiet',
      message: `Somebody else has changed the stack stack: its status is ${status} by change set ${changeSet}, expected a complete one by ${OURS}.`,
    });
  });

  it.each([null, ''])('knows a stack that had taken no change set, said as %j', async (stackChange) => {
    const ecs = ecsWith([OLD_TASK]);
    expect(await handlerFor(ecs, { StackStatus: 'CREATE_COMPLETE' })({ ...ASSERT, stackChange })).toEqual({
      stoppedAt: STOP,
    });
    const theirs = { StackStatus: 'UPDATE_COMPLETE', ChangeSetId: 'arn:theirs' };
    expect((await failure(handlerFor(ecs, theirs)({ ...ASSERT, stackChange }))).message).toBe(
      'Somebody else has changed the stack stack: its status is UPDATE_COMPLETE by change set arn:theirs, expected a complete one by none.',
    );
  });
});

describe('the family of a task definition', () => {
  it('is read from its ARN', () => {
    expect(familyOf('arn:aws:ecs:me-central-1:123456789012:task-definition/sphere_zooid-relay:17')).toBe(
      'sphere_zooid-relay',
    );
  });

  it.each(['', 'relay', 'arn:aws:ecs:me-central-1:123456789012:task-definition/relay', 'arn:x:task-definition/a b:1'])(
    'is refused for "%s"',
    (text) => {
      expect(() => familyOf(text)).toThrow(
        `"${text}" is no task definition: expected an ARN that ends in family:revision.`,
      );
    },
  );
});
