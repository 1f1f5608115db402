import { describe, expect, it } from 'vitest';
import { withDeadline } from '../../lambdas/deadline.ts';
import { DeadlineExceeded, NotYet, Refused } from '../../statemachine/errors.ts';

const DEADLINE = '2026-01-01T12:00:00.000Z';
const BEFORE = '2026-01-01T12:00:00.000Z';
const AFTER = '2026-01-01T12:00:00.001Z';

interface Event {
  deadline?: string | null;
}

const waiting = async () => {
  throw new NotYet('2 task(s) have not stopped.');
};
const run = (now: string, event: Event, handler: () => Promise<unknown> = waiting) =>
  withDeadline<Event, unknown>(() => new Date(now), handler)(event);

describe('withDeadline', () => {
  it('lets a handler wait until the deadline', async () => {
    await expect(run(BEFORE, { deadline: DEADLINE })).rejects.toBeInstanceOf(NotYet);
  });

  it('ends the waiting afterwards, and says what for', async () => {
    const error = await run(AFTER, { deadline: DEADLINE }).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({
      name: 'DeadlineExceeded',
      message:
        'The write stop may not last longer: at its deadline, 2026-01-01T12:00:00.000Z, this was still being waited for: 2 task(s) have not stopped.',
      cause: { name: 'NotYet' },
    });
  });

  it.each<[string, Event]>([
    ['null', { deadline: null }],
    ['absent', {}],
  ])('knows no end where the deadline is %s', async (_, event) => {
    await expect(run('2099-01-01T00:00:00.000Z', event)).rejects.toBeInstanceOf(NotYet);
  });

  it('takes a result after the deadline, and every other error as it is', async () => {
    expect(await run(AFTER, { deadline: DEADLINE }, async () => 'done')).toBe('done');
    const refused = async () => {
      throw new Refused('no');
    };
    await expect(run(AFTER, { deadline: DEADLINE }, refused)).rejects.toEqual(new Refused('no'));
  });

  it.each(['', 'soon'])('refuses the deadline "%s" and calls nothing', async (deadline) => {
    const called = async () => expect.fail('called');
    const error = await run(BEFORE, { deadline }, called).catch((reason: Error) => reason);
    expect(error).toEqual(
      new Refused(`The deadline "${deadline}" is no time. Expected ISO 8601, or null. Correct the state machine.`),
    );
  });
});
