import type { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { deployedStore, dynamoDbStore } from '../../lambdas/execution-lock/dynamodb-store.ts';
import { describedBy } from '../../lambdas/execution-lock/executions.ts';
import type { LockItem, LockStore } from '../../lambdas/execution-lock/lock-store.ts';
import {
  createHandler,
  type ExecutionLockDependencies,
  type ExecutionLockEvent,
} from '../../lambdas/execution-lock.ts';
import { memoryLockStore } from '../../rehearsal/lock-store.ts';
import { HeldForOperator, LockHeld } from '../../statemachine/errors.ts';

const A = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:a';
const B = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:b';
const RESTORE = 'arn:aws:states:me-central-1:123456789012:execution:relay-restore:r';
const T0 = '2026-01-01T12:00:00.000Z';
const T1 = '2026-01-01T12:05:00.000Z';
const PLAN = { cluster: 'c', desiredCount: 1, tables: [], samples: [{ id: '1', sig: '' }] };
const FAILURE = { state: 'RunMigrator', error: 'MigrationFailed', cause: 'The disk is full.' };
const HELD_SENTENCE =
  'RunMigrator failed with MigrationFailed: The disk is full. The execution is held: remove the cause and redrive it, or start restore with takeOver to bring the old relay back.';

let store: LockStore;
let statuses: Record<string, string>;
let asked: string[];
let pauses: number[];
let now: string;
let dependencies: ExecutionLockDependencies;

beforeEach(() => {
  store = memoryLockStore();
  statuses = { [A]: 'RUNNING', [B]: 'RUNNING', [RESTORE]: 'RUNNING' };
  asked = [];
  pauses = [];
  now = T0;
  dependencies = {
    store,
    now: () => new Date(now),
    pause: async (seconds) => void pauses.push(seconds),
    describeExecution: async (arn) => {
      asked.push(arn);
      const status = statuses[arn];
      if (status === undefined) throw Object.assign(new Error('gone'), { name: 'ExecutionDoesNotExist' });
      return { status };
    },
  };
});

type Wish = ExecutionLockEvent extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'stackName' | 'owner'>
    : never
  : never;

const call = (owner: string, wish: Wish) =>
  createHandler(dependencies)({ stackName: 'relay', owner, ...wish } as ExecutionLockEvent);
const acquire = (owner: string) => call(owner, { action: 'acquire' });
const record = (owner: string) => call(owner, { action: 'record', plan: PLAN });
const reclaim = (owner: string) => call(owner, { action: 'reclaim' });
const release = (owner: string) => call(owner, { action: 'release' });
const hold = (owner: string, redriveCount = 0, failure = FAILURE) =>
  call(owner, { action: 'hold', heldAtRedrive: 0, redriveCount, failure });
const takeOver = (from: string | null = null, force = false) => call(RESTORE, { action: 'take-over', from, force });

const failure = (failing: Promise<unknown>) =>
  failing.then(
    (result) => expect.fail(`expected a failure, got ${JSON.stringify(result)}`),
    ({ name, message }: Error) => ({ name, message }),
  );
const lockHeld = (message: string) => ({ name: 'LockHeld', message });
const takenOver = (owner: string, since: string) =>
  lockHeld(`The execution ${owner} has taken over the stack relay at ${since}; this one, ${A}, changes nothing more.`);
const item = async () => store.read('relay');

const HALFWAY = ['FAILED', 'TIMED_OUT', 'ABORTED'];
/** Undefined: Step Functions knows no such execution. */
const IN_ORDER = ['SUCCEEDED', undefined];

function ends(owner: string, status: string | undefined) {
  if (status === undefined) delete statuses[owner];
  else statuses[owner] = status;
  now = T1;
}

/** The lock of an execution that has recorded its plan, and then ended without releasing it. */
async function endedHalfway(status = 'FAILED') {
  await acquire(A);
  await record(A);
  ends(A, status);
}

describe('acquire', () => {
  it('takes a lock that nobody ever had', async () => {
    expect(await acquire(A)).toEqual({ owner: A, takenFrom: null });
    expect(await item()).toEqual({
      stackName: 'relay',
      version: 1,
      owner: A,
      since: T0,
      takenFrom: null,
      released: false,
      held: null,
      plan: null,
    });
  });

  it('takes a released lock and starts with a clean one; the version goes on', async () => {
    await acquire(A);
    await record(A);
    await release(A);
    now = T1;
    expect(await acquire(B)).toEqual({ owner: B, takenFrom: null });
    expect(await item()).toMatchObject({ version: 4, owner: B, since: T1, released: false, plan: null });
    expect(asked).toEqual([]);
  });

  it('finds its own lock again when it is called twice, and asks nobody', async () => {
    await acquire(A);
    now = T1;
    expect(await acquire(A)).toEqual({ owner: A, takenFrom: null });
    expect(await item()).toMatchObject({ version: 1, since: T0 });
    expect(asked).toEqual([]);
  });

  it('starts with a clean lock also where it is called again later', async () => {
    await acquire(A);
    await record(A);
    await failure(hold(A));
    expect(await acquire(A)).toEqual({ owner: A, takenFrom: null });
    expect(await item()).toMatchObject({ owner: A, since: T0, plan: null, held: null });
  });

  const running = (owner: string, since = T0) =>
    lockHeld(
      `The execution ${owner} has held the lock of the stack relay since ${since} and is still running: wait until it has ended, then start again.`,
    );
  const halfway = (owner: string, since = T0) =>
    lockHeld(
      `The execution ${owner} has held the lock of the stack relay since ${since} and has ended halfway: restore brings the old relay back by itself. Wait for that, or redrive restore if it has failed, then start again.`,
    );

  it.each(HALFWAY)(
    'is refused after an owner that ended halfway (%s) with a plan, and leaves it to restore',
    async (status) => {
      await endedHalfway(status);
      const before = await item();
      expect(await failure(acquire(B))).toEqual(halfway(A));
      expect(await item()).toEqual(before);
      expect(await takeOver(A)).toMatchObject({ verdict: 'taken', plan: PLAN });
    },
  );

  it('is refused until restore has brought the old relay back, however restore itself ended', async () => {
    await endedHalfway();
    await takeOver(A);
    expect(await failure(acquire(B))).toEqual(running(RESTORE, T1));
    for (const status of HALFWAY) {
      statuses[RESTORE] = status;
      expect(await failure(acquire(B))).toEqual(halfway(RESTORE, T1));
    }
    await release(RESTORE);
    expect(await acquire(B)).toEqual({ owner: B, takenFrom: null });
  });

  it.each(HALFWAY)(
    'takes the lock of an execution that ended (%s) without a plan, and says from whom, also when it is called twice',
    async (status) => {
      await acquire(A);
      ends(A, status);
      expect(await acquire(B)).toEqual({ owner: B, takenFrom: A });
      expect(await acquire(B)).toEqual({ owner: B, takenFrom: A });
      expect(await item()).toMatchObject({ version: 2, owner: B, since: T1, takenFrom: A, plan: null, held: null });
    },
  );

  it.each(IN_ORDER.flatMap((status) => [true, false].map((planned) => [status, planned] as const)))(
    'takes the lock of an execution that is %s and not held, with a plan or without (%s), and drops the plan',
    async (status, planned) => {
      await acquire(A);
      if (planned) await record(A);
      ends(A, status);
      expect(await acquire(B)).toEqual({ owner: B, takenFrom: A });
      expect(await acquire(B)).toEqual({ owner: B, takenFrom: A });
      expect(await item()).toEqual({
        stackName: 'relay',
        version: planned ? 3 : 2,
        owner: B,
        since: T1,
        takenFrom: A,
        released: false,
        held: null,
        plan: null,
      });
    },
  );

  it.each(['RUNNING', 'PENDING_REDRIVE'])('is refused while the owner is %s', async (status) => {
    await acquire(A);
    statuses[A] = status;
    expect(await failure(acquire(B))).toEqual(running(A));
    expect(await item()).toMatchObject({ version: 1, owner: A });
  });

  it.each([true, false])(
    'is refused while the owner waits for an operator, however its execution stands (with a plan: %s)',
    async (planned) => {
      await acquire(A);
      if (planned) await record(A);
      now = T1;
      await failure(hold(A));
      const before = await item();
      expect(await failure(acquire(B))).toEqual(running(A));
      for (const status of [...HALFWAY, ...IN_ORDER]) {
        ends(A, status);
        expect(await failure(acquire(B)), status).toEqual(
          lockHeld(
            `The execution ${A} has held the lock of the stack relay since ${T0} and is held for an operator at RunMigrator since ${T1}: redrive it, or start restore with takeOver to bring the old relay back.`,
          ),
        );
      }
      expect(await item()).toEqual(before);
    },
  );

  it('does not take a lock while nobody can say how its owner stands', async () => {
    await acquire(A);
    dependencies.describeExecution = async () => {
      throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    };
    expect(await failure(acquire(B))).toEqual({ name: 'ThrottlingException', message: 'Rate exceeded' });
  });

  it('knows the lock of one stack from that of another', async () => {
    await acquire(A);
    expect(await createHandler(dependencies)({ action: 'acquire', stackName: 'other', owner: B })).toEqual({
      owner: B,
      takenFrom: null,
    });
  });
});

describe('record, reclaim and release', () => {
  it('record keeps the plan, and says so of the same plan again without another write', async () => {
    await acquire(A);
    expect(await record(A)).toEqual({ owner: A });
    expect(await record(A)).toEqual({ owner: A });
    expect(await item()).toMatchObject({ version: 2, plan: PLAN });
  });

  it('reclaim ends a hold and changes nothing where there is none', async () => {
    await acquire(A);
    await failure(hold(A));
    expect(await reclaim(A)).toEqual({ owner: A });
    expect(await item()).toMatchObject({ version: 3, held: null });
    expect(await reclaim(A)).toEqual({ owner: A });
    expect(await item()).toMatchObject({ version: 3 });
  });

  it('release gives the lock back, once and again, ends a hold, and what was recorded stays readable', async () => {
    await acquire(A);
    await record(A);
    await failure(hold(A));
    expect(await release(A)).toEqual({ released: true });
    expect(await release(A)).toEqual({ released: true });
    expect(await item()).toMatchObject({ version: 4, owner: A, released: true, held: null, plan: PLAN });
  });

  it('release of what somebody else has, or nobody, changes nothing', async () => {
    expect(await release(A)).toEqual({ released: false });
    expect(await item()).toBeUndefined();
    await acquire(B);
    expect(await release(A)).toEqual({ released: false });
    expect(await item()).toMatchObject({ version: 1, owner: B, released: false });
  });

  describe.each([
    ['record', record],
    ['reclaim', reclaim],
  ] as const)('%s', (_, act) => {
    it('is refused without a lock', async () => {
      expect(await failure(act(A))).toEqual(
        lockHeld(
          `No execution has ever locked the stack relay; expected ${A}, which changes nothing. Start a new one.`,
        ),
      );
      expect(await item()).toBeUndefined();
    });

    it('is refused when somebody else has taken over', async () => {
      await endedHalfway();
      await takeOver();
      expect(await failure(act(A))).toEqual(takenOver(RESTORE, T1));
      expect(await item()).toMatchObject({ version: 3, owner: RESTORE, held: null, plan: PLAN });
    });

    it('is refused when the execution has released its lock', async () => {
      await acquire(A);
      await release(A);
      expect(await failure(act(A))).toEqual(
        lockHeld(
          `The execution ${A} has ended and released the stack relay; it changes nothing more. Start a new one.`,
        ),
      );
      expect(await item()).toMatchObject({ version: 2, released: true, held: null, plan: null });
    });
  });
});

describe('hold', () => {
  it('fails with what failed and what to do, and marks the lock', async () => {
    await acquire(A);
    await record(A);
    now = T1;
    const error = await hold(A).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(HeldForOperator);
    expect(error).toMatchObject({ name: 'HeldForOperator', message: HELD_SENTENCE });
    expect(await item()).toMatchObject({ owner: A, released: false, plan: PLAN, held: { ...FAILURE, at: T1 } });
  });

  it('says the same when it is called twice, and another failure anew', async () => {
    await acquire(A);
    await failure(hold(A));
    now = T1;
    expect(await failure(hold(A))).toEqual({ name: 'HeldForOperator', message: HELD_SENTENCE });
    expect(await item()).toMatchObject({ version: 2, held: { at: T0 } });
    for (const other of [{ state: 'Other' }, { error: 'Other' }, { cause: 'Other.' }]) {
      now = T0;
      await reclaim(A);
      await failure(hold(A));
      now = T1;
      await failure(hold(A, 0, { ...FAILURE, ...other }));
      expect(await item()).toMatchObject({ held: { ...FAILURE, ...other, at: T1 } });
    }
  });

  it.each<[string, () => Promise<unknown>]>([
    ['nobody ever had a lock', async () => {}],
    ['the execution has released its own', () => acquire(A).then(() => release(A))],
    ['somebody else has released one', () => acquire(B).then(() => release(B))],
  ])('says the same and writes nothing where %s', async (_, given) => {
    await given();
    const before = await item();
    expect(await failure(hold(A))).toEqual({ name: 'HeldForOperator', message: HELD_SENTENCE });
    expect(await item()).toEqual(before);
  });

  it('is refused while somebody else has the lock', async () => {
    await endedHalfway();
    await takeOver();
    const before = await item();
    expect(await failure(hold(A))).toEqual(takenOver(RESTORE, T1));
    expect(await item()).toEqual(before);
  });

  it('goes on when the execution has been redriven, and clears the mark; called twice it writes once', async () => {
    await acquire(A);
    await record(A);
    await failure(hold(A));
    for (const _ of ['once', 'twice']) {
      expect(await hold(A, 1)).toEqual({ resumed: true });
      expect(await item()).toMatchObject({ version: 4, owner: A, released: false, held: null, plan: PLAN });
    }
  });

  it.each<[string, () => Promise<unknown>]>([
    ['nobody ever had a lock', async () => {}],
    ['the execution has released its own', () => acquire(A).then(() => release(A))],
    ['somebody else has the lock and is held', () => acquire(B).then(() => failure(hold(B)))],
  ])('goes on after a redrive and writes nothing where %s: the next state asks for the lock', async (_, given) => {
    await given();
    const before = await item();
    expect(await hold(A, 1)).toEqual({ resumed: true });
    expect(await item()).toEqual(before);
  });

  it('holds again at a later failure of a redriven execution', async () => {
    await acquire(A);
    const again = { action: 'hold', heldAtRedrive: 1, redriveCount: 1, failure: FAILURE } as const;
    expect(await failure(call(A, again))).toEqual({ name: 'HeldForOperator', message: HELD_SENTENCE });
    expect(await call(A, { ...again, redriveCount: 2 })).toEqual({ resumed: true });
  });

  it('keeps ten thousand characters of a cause, and ends the sentence where the cause does not', async () => {
    await acquire(A);
    const { message } = await failure(hold(A, 0, { ...FAILURE, cause: 'x'.repeat(12_000) }));
    expect(message).toBe(
      `RunMigrator failed with MigrationFailed: ${'x'.repeat(10_000)}. The execution is held: remove the cause and redrive it, or start restore with takeOver to bring the old relay back.`,
    );
    expect((await item())?.held?.cause).toHaveLength(10_000);
  });
});

describe('take-over', () => {
  const nothing = (reason: string) => ({ verdict: 'nothing', reason, takenFrom: null, plan: null });
  const takenAs = (how: string) => ({
    verdict: 'taken',
    reason: `The execution ${A} ended ${how}, with its work half done.`,
    takenFrom: A,
    plan: PLAN,
  });

  it('finds nothing to do where no execution ever had a lock', async () => {
    expect(await takeOver()).toEqual(
      nothing('No execution has ever locked the stack relay: there is nothing to bring back.'),
    );
    expect(await item()).toBeUndefined();
  });

  it('finds nothing to do after an execution that ended in order', async () => {
    await endedHalfway();
    await release(A);
    expect(await takeOver(A, true)).toEqual(
      nothing(`The execution ${A} ended in order: there is nothing to bring back.`),
    );
    expect(await item()).toMatchObject({ owner: A, released: true });
  });

  it('leaves a running execution alone, whoever asks', async () => {
    await endedHalfway('RUNNING');
    await failure(hold(A));
    // One that is held needs no second look: it is left to its operator, or to a person who asks again.
    for (const [from, force] of [
      [A, false],
      [null, false],
      [null, true],
    ] as const) {
      expect(await takeOver(from, force)).toEqual(
        nothing(`The execution ${A} is still running: nothing was taken over.`),
      );
    }
    expect(await item()).toMatchObject({ owner: A, held: FAILURE });
    expect(pauses).toEqual([]);
  });

  it('leaves a held execution to its operator unless it is told otherwise', async () => {
    await endedHalfway();
    await failure(hold(A));
    expect(await takeOver(A)).toEqual(
      nothing(`The execution ${A} is held for an operator at RunMigrator: redrive it, or start restore with takeOver.`),
    );
    expect(await item()).toMatchObject({ owner: A, held: FAILURE });
    expect(await takeOver(null, true)).toEqual(takenAs('as FAILED'));
    expect(await item()).toMatchObject({ owner: RESTORE, held: null });
  });

  it('does what it is told with a held execution that Step Functions no longer knows', async () => {
    await endedHalfway();
    await failure(hold(A));
    delete statuses[A];
    expect(await takeOver(null, true)).toEqual(takenAs('as an execution that is long forgotten'));
  });

  it.each(['RolledBack', 'PreflightFailed'])(
    'finds nothing to do after a cutover that ended with %s, where the old relay serves, and could not give the lock back',
    async (error) => {
      await endedHalfway('FAILED');
      dependencies.describeExecution = async () => ({ status: 'FAILED', error, cause: 'The old relay serves.' });
      expect(await takeOver(A)).toMatchObject({ verdict: 'nothing', plan: null });
      expect(await item()).toMatchObject({ owner: A, released: true });
    },
  );

  it.each([
    [{ error: 'Stopped', cause: 'by hand' }, 'as ABORTED (Stopped: by hand)'],
    [{ error: 'Refused', cause: '{"errorType":"Refused","errorMessage":"no"}' }, 'as ABORTED (Refused: no)'],
    [{ error: 'Refused' }, 'as ABORTED (Refused)'],
    [{ error: 'E', cause: 'x'.repeat(3_000) }, `as ABORTED (E: ${'x'.repeat(2_000)})`],
  ])('says how it ended: %j', async (end, how) => {
    await endedHalfway('ABORTED');
    dependencies.describeExecution = async () => ({ status: 'ABORTED', ...end });
    expect(await takeOver(A)).toEqual(takenAs(how));
  });

  it.each(HALFWAY)('takes over from an execution that ended halfway (%s), with its plan', async (status) => {
    await endedHalfway(status);
    expect(await takeOver(A)).toEqual(takenAs(`as ${status}`));
    expect(await item()).toEqual({
      stackName: 'relay',
      version: 3,
      owner: RESTORE,
      since: T1,
      takenFrom: A,
      released: false,
      held: null,
      plan: PLAN,
    });
  });

  it.each(IN_ORDER.flatMap((status) => [true, false].map((force) => [status, force] as const)))(
    'finds nothing to do after an execution that is %s, and releases its lock (force: %s)',
    async (status, force) => {
      await endedHalfway();
      ends(A, status);
      expect(await takeOver(force ? null : A, force)).toEqual(
        nothing(`The execution ${A} ended in order and could not release the lock: there is nothing to bring back.`),
      );
      expect(await item()).toEqual({
        stackName: 'relay',
        version: 3,
        owner: A,
        since: T0,
        takenFrom: null,
        released: true,
        held: null,
        plan: PLAN,
      });
      expect(await acquire(B)).toEqual({ owner: B, takenFrom: null });
    },
  );

  it('says the same when it is called twice', async () => {
    await endedHalfway();
    await takeOver(A);
    expect(await takeOver(A)).toEqual(takenAs('already'));
    expect(await item()).toMatchObject({ version: 3 });
  });

  it('takes over from a take-over that ended halfway itself', async () => {
    await endedHalfway();
    await takeOver(A);
    statuses[RESTORE] = 'FAILED';
    expect(await call(B, { action: 'take-over', from: null, force: false })).toMatchObject({
      verdict: 'taken',
      takenFrom: RESTORE,
      plan: PLAN,
    });
  });

  it.each([false, true])('releases the lock of an execution that had changed nothing (held: %s)', async (held) => {
    await acquire(A);
    if (held) await failure(hold(A));
    statuses[A] = 'ABORTED';
    expect(await takeOver(A, held)).toEqual(
      nothing(`The execution ${A} ended before it had changed anything: its lock was released.`),
    );
    expect(await item()).toMatchObject({ owner: A, released: true, held: null });
  });

  it('asks again when an event says that the execution has ended and Step Functions does not know it yet', async () => {
    await endedHalfway('RUNNING');
    dependencies.pause = async (seconds) => {
      pauses.push(seconds);
      if (pauses.length === 3) statuses[A] = 'FAILED';
    };
    expect(await takeOver(A)).toEqual(takenAs('as FAILED'));
    expect(pauses).toEqual([2, 2, 2]);
  });

  it('takes an execution that still runs after its end for redriven, and leaves it alone', async () => {
    await endedHalfway('RUNNING');
    expect(await takeOver(A)).toEqual(nothing(`The execution ${A} is still running: nothing was taken over.`));
    expect(pauses).toEqual([2, 2, 2, 2]);
  });

  it('does not wait for an execution other than the one of the event', async () => {
    await endedHalfway('RUNNING');
    expect(await takeOver(B)).toEqual(nothing(`The execution ${A} is still running: nothing was taken over.`));
    expect(pauses).toEqual([]);
  });
});

describe('two at the same time', () => {
  /** Both have read before either writes. */
  function meeting(count: number): LockStore {
    let waiting: (() => void)[] = [];
    let open = false;
    return {
      write: store.write,
      async read(stackName) {
        const found = await store.read(stackName);
        if (open) return found;
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length < count) return;
          open = true;
          for (const go of waiting) go();
          waiting = [];
        });
        return found;
      },
    };
  }

  it('only one of two acquires', async () => {
    dependencies.store = meeting(2);
    const [first, second] = await Promise.allSettled([acquire(A), acquire(B)]);
    expect(first).toEqual({ status: 'fulfilled', value: { owner: A, takenFrom: null } });
    expect(second).toMatchObject({ status: 'rejected', reason: { name: 'LockHeld' } });
    expect((second as PromiseRejectedResult).reason).toBeInstanceOf(LockHeld);
    expect(await item()).toMatchObject({ version: 1, owner: A });
  });

  it('only one of two takes the lock of an execution that ended before it had changed anything', async () => {
    await acquire(A);
    ends(A, 'FAILED');
    dependencies.store = meeting(2);
    const [first, second] = await Promise.allSettled([acquire(B), takeOver(A)]);
    expect(first).toEqual({ status: 'fulfilled', value: { owner: B, takenFrom: A } });
    expect(second).toMatchObject({ value: { reason: `The execution ${B} is still running: nothing was taken over.` } });
    expect(await item()).toMatchObject({ version: 2, owner: B });
  });

  it('only one of two takes over from an execution that ended halfway', async () => {
    await endedHalfway();
    dependencies.store = meeting(2);
    const byAnEvent = takeOver(A);
    const byAPerson = call(B, { action: 'take-over', from: null, force: true });
    const [first, second] = await Promise.allSettled([byAnEvent, byAPerson]);
    expect(first).toMatchObject({ value: { verdict: 'taken', takenFrom: A, plan: PLAN } });
    expect(second).toMatchObject({
      value: { verdict: 'nothing', reason: `The execution ${RESTORE} is still running: nothing was taken over.` },
    });
    expect(await item()).toMatchObject({ version: 3, owner: RESTORE });
  });

  it('a hold is not overwritten by a take-over that had read before it', async () => {
    await endedHalfway();
    dependencies.store = meeting(2);
    const [held, restore] = await Promise.allSettled([hold(A), takeOver(A)]);
    expect(held).toMatchObject({ reason: { name: 'HeldForOperator' } });
    expect(restore).toMatchObject({ value: { verdict: 'nothing' } });
    expect(await item()).toMatchObject({ owner: A, held: FAILURE });
  });
});

describe('an answer that is lost', () => {
  /** The first `count` writes are made, and then it looks as if they were not. */
  function losing(count: number, how: 'refused' | 'thrown'): LockStore {
    let left = count;
    return {
      read: store.read,
      async write(next, previous) {
        const done = await store.write(next, previous);
        left -= 1;
        if (left < 0) return done;
        if (how === 'thrown') throw new Error('socket hang up');
        return false;
      },
    };
  }

  it.each(['refused', 'thrown'] as const)('is no failure, when the write is found (%s)', async (how) => {
    dependencies.store = losing(1, how);
    expect(await acquire(A)).toEqual({ owner: A, takenFrom: null });
    expect(await item()).toMatchObject({ version: 1 });
    statuses[A] = 'ABORTED';
    dependencies.store = losing(1, how);
    expect(await takeOver(A)).toMatchObject({
      reason: `The execution ${A} ended before it had changed anything: its lock was released.`,
    });
    expect(await item()).toMatchObject({ version: 2 });
  });

  it('is no failure of a hold either', async () => {
    await acquire(A);
    dependencies.store = losing(1, 'thrown');
    expect(await failure(hold(A))).toEqual({ name: 'HeldForOperator', message: HELD_SENTENCE });
    expect(await item()).toMatchObject({ version: 2, held: { ...FAILURE, at: T0 } });
  });

  it('does not hide that somebody else has written since', async () => {
    await endedHalfway();
    dependencies.store = {
      read: store.read,
      async write(next, previous) {
        await store.write(next, previous);
        dependencies.store = store;
        await store.write({ ...next, owner: B, version: next.version + 1 }, next.version);
        return false;
      },
    };
    expect(await takeOver(A)).toMatchObject({
      verdict: 'nothing',
      reason: `The execution ${B} is still running: nothing was taken over.`,
    });
  });

  it('is an error to be repeated after a few tries, with the cause', async () => {
    let tries = 0;
    dependencies.store = {
      read: store.read,
      async write() {
        tries += 1;
        throw new Error('ProvisionedThroughputExceeded');
      },
    };
    await expect(acquire(A)).rejects.toMatchObject({
      name: 'Error',
      message:
        'The lock of the stack relay was not written in 5 tries: others wrote it at the same time, or the answers were lost. Repeat.',
      cause: expect.objectContaining({ message: 'ProvisionedThroughputExceeded' }),
    });
    expect(tries).toBe(5);
  });
});

describe('the lock in DynamoDB', () => {
  const stored: LockItem = {
    stackName: 'relay',
    version: 3,
    owner: A,
    since: T0,
    takenFrom: null,
    released: false,
    held: null,
    plan: PLAN,
  };

  function recording(answer: (command: unknown) => object = () => ({})) {
    const sent: { constructor: unknown; input: unknown }[] = [];
    const send = async (command: { constructor: unknown; input: unknown }) => {
      sent.push({ constructor: command.constructor, input: command.input });
      return answer(command);
    };
    return { sent, lock: dynamoDbStore({ send } as never, 'locks') };
  }

  it('is read consistently', async () => {
    const { sent, lock } = recording(() => ({ Item: stored }));
    expect(await lock.read('relay')).toEqual(stored);
    expect(sent).toEqual([
      { constructor: GetCommand, input: { TableName: 'locks', Key: { stackName: 'relay' }, ConsistentRead: true } },
    ]);
    expect(await recording().lock.read('relay')).toBeUndefined();
  });

  it('is made only where there is none', async () => {
    const { sent, lock } = recording();
    expect(await lock.write(stored, null)).toBe(true);
    expect(sent).toEqual([
      {
        constructor: PutCommand,
        input: {
          TableName: 'locks',
          Item: stored,
          ConditionExpression: 'attribute_not_exists(#stackName)',
          ExpressionAttributeNames: { '#stackName': 'stackName' },
        },
      },
    ]);
  });

  it('is changed only from the version that was read', async () => {
    const { sent, lock } = recording();
    expect(await lock.write(stored, 2)).toBe(true);
    expect(sent[0]?.input).toEqual({
      TableName: 'locks',
      Item: stored,
      ConditionExpression: '#version = :previous',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':previous': 2 },
    });
  });

  it('says false when the condition does not hold, and passes on every other error', async () => {
    const failing = (name: string) =>
      recording(() => {
        throw Object.assign(new Error(name), { name });
      }).lock.write(stored, 2);
    expect(await failing('ConditionalCheckFailedException')).toBe(false);
    await expect(failing('AccessDeniedException')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('needs the name of its table', () => {
    expect(() => deployedStore({})).toThrow(
      'The environment variable LOCK_TABLE is not set. Expected the name of the DynamoDB table with the locks. Deploy the functions again with it.',
    );
    expect(deployedStore({ LOCK_TABLE: 'locks' })).toHaveProperty('write');
  });
});

describe('an execution in Step Functions', () => {
  it('is asked for by its ARN', async () => {
    const send = async ({ input }: DescribeExecutionCommand) => {
      expect(input).toEqual({ executionArn: A });
      return { status: 'ABORTED', input: '{}' };
    };
    expect(await describedBy({ send } as never)(A)).toEqual({ status: 'ABORTED' });
  });
});
