import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import { delaySeconds, matches } from '../../rehearsal/interpreter/retry.ts';
import type { Retrier } from '../../statemachine/asl.ts';
import { resultOf, script, start, task, typesOf } from './machine.ts';

const failure = (name: string) => new TaskFailure(name, `cause of ${name}`);
const retrier = (ErrorEquals: string[], fields: Partial<Retrier> = {}): Retrier => ({
  ErrorEquals,
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxAttempts: 2,
  ...fields,
});
const caughtBy = (...ErrorEquals: string[]) => [{ ErrorEquals, Output: '{% $states.errorOutput %}', Next: 'Caught' }];
const Caught = { Type: 'Succeed' } as const;

describe('ErrorEquals', () => {
  it.each([
    [['NotYet'], 'NotYet', true],
    [['NotYet'], 'Refused', false],
    [['Other', 'Refused'], 'Refused', true],
    [['States.ALL'], 'Refused', true],
    [['States.ALL'], 'States.Timeout', true],
    [['States.ALL'], 'States.QueryEvaluationError', true],
    [['States.ALL'], 'States.DataLimitExceeded', false],
    [['States.ALL'], 'States.Runtime', false],
    [['States.DataLimitExceeded'], 'States.DataLimitExceeded', true],
    [['States.Runtime'], 'States.Runtime', false],
    [['States.TaskFailed'], 'Refused', true],
    [['States.TaskFailed'], 'States.TaskFailed', true],
    [['States.TaskFailed'], 'States.Timeout', false],
    [['States.TaskFailed'], 'States.DataLimitExceeded', false],
    [['States.Timeout'], 'States.Timeout', true],
  ])('%j for %s: %s', (names, error, expected) => {
    expect(matches(names, error)).toBe(expected);
  });
});

describe('the delay before a retry', () => {
  it('grows by the backoff rate up to the maximum', () => {
    const growing = retrier(['E'], { IntervalSeconds: 3, BackoffRate: 2, MaxDelaySeconds: 20 });
    expect([0, 1, 2, 3, 4].map((retries) => delaySeconds(growing, retries, () => 0.5))).toEqual([3, 6, 12, 20, 20]);
  });

  it('is anything up to that with full jitter', () => {
    const jittered = retrier(['E'], { IntervalSeconds: 8, JitterStrategy: 'FULL', MaxDelaySeconds: 10 });
    expect(delaySeconds(jittered, 0, () => 0.25)).toBe(2);
    expect(delaySeconds(jittered, 3, () => 0.5)).toBe(5);
    expect(delaySeconds({ ...jittered, JitterStrategy: 'NONE' }, 0, () => 0.25)).toBe(8);
  });
});

describe('Retry', () => {
  it('tries again after its delay, with the retries counted in the context', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const before = clock.now().getTime();
    const integration = script(failure('NotYet'), failure('NotYet'), 'there');
    const execution = start(
      {
        Ask: task({
          Arguments: { retry: '{% $states.context.State.RetryCount %}' },
          Retry: [retrier(['NotYet'], { IntervalSeconds: 100, BackoffRate: 3 })],
        }),
      },
      { integration, clock },
    );
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: 'there' });
    expect(integration.calls).toEqual([{ retry: 0 }, { retry: 1 }, { retry: 2 }]);
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(400_000);
    const oneTry = ['TaskScheduled', 'TaskStarted', 'TaskFailed'];
    expect(typesOf(execution.history).slice(1, 8)).toEqual(['TaskStateEntered', ...oneTry, ...oneTry]);
    expect(execution.history[5]).toMatchObject({ type: 'TaskScheduled', previousEventId: 5 });
  });

  it('gives up after MaxAttempts retries', async () => {
    const integration = script(failure('E'), failure('E'), failure('E'), 'too late');
    const result = await resultOf({ Ask: task({ Retry: [retrier(['E'])] }) }, { integration });
    expect(result).toEqual({ status: 'FAILED', error: 'E', cause: 'cause of E' });
    expect(integration.calls).toHaveLength(3);
  });

  it('counts for each retrier by itself', async () => {
    const integration = script(failure('A'), failure('B'), failure('A'), failure('B'), 'done');
    const result = await resultOf({ Ask: task({ Retry: [retrier(['A']), retrier(['B'])] }) }, { integration });
    expect(result.output).toBe('done');
  });

  it('lets the first retrier that matches decide, also to give up', async () => {
    const integration = script(failure('A'), 'too late');
    const result = await resultOf(
      { Ask: task({ Retry: [retrier(['A'], { MaxAttempts: 0 }), retrier(['States.ALL'])] }) },
      { integration },
    );
    expect(result.error).toBe('A');
  });

  it('leaves an error alone that no retrier names', async () => {
    const result = await resultOf({ Ask: task({ Retry: [retrier(['A'])] }) }, { integration: script(failure('B')) });
    expect(result.error).toBe('B');
  });

  it('tries a task again whose Output could not be evaluated', async () => {
    const integration = script({}, { n: 1 });
    const result = await resultOf(
      { Ask: task({ Output: '{% $states.result.n %}', Retry: [retrier(['States.QueryEvaluationError'])] }) },
      { integration },
    );
    expect(result.output).toBe(1);
  });

  it('waits in clock time only, so that a state machine may time out meanwhile', async () => {
    const execution = start(
      { Ask: task({ Retry: [retrier(['E'], { IntervalSeconds: 7200 })] }) },
      { integration: script(failure('E'), 'too late'), timeoutSeconds: 3600 },
    );
    expect(await execution.done).toEqual({ status: 'TIMED_OUT', error: 'States.Timeout' });
  });
});

describe('Catch', () => {
  it('goes on with the error output where it has no Output', async () => {
    const result = await resultOf(
      { Ask: task({ Catch: [{ ErrorEquals: ['E'], Next: 'Caught' }] }), Caught },
      { integration: script(failure('E')) },
    );
    expect(result).toEqual({ status: 'SUCCEEDED', output: { Error: 'E', Cause: 'cause of E' } });
  });

  it('assigns and puts out what its expressions say', async () => {
    const Catch = [
      { ErrorEquals: ['Other'], Next: 'Nowhere' },
      {
        ErrorEquals: ['E'],
        Assign: { failure: { state: '{% $states.context.State.Name %}', error: '{% $states.errorOutput.Error %}' } },
        Output: '{% $states.input.n %}',
        Next: 'Caught',
      },
    ];
    const execution = start(
      {
        Ask: task({ Catch, Assign: { failure: 'none' } }),
        Caught: { Type: 'Succeed', Output: '{% [$failure, $states.input] %}' },
      },
      { integration: script(failure('E')), input: { n: 7 } },
    );
    expect((await execution.done).output).toEqual([{ state: 'Ask', error: 'E' }, 7]);
    expect(execution.history[5]).toMatchObject({
      type: 'TaskStateExited',
      previousEventId: 5,
      stateExitedEventDetails: {
        name: 'Ask',
        output: '7',
        assignedVariables: { failure: '{"state":"Ask","error":"E"}' },
      },
    });
  });

  it('is asked when the retries are used up', async () => {
    const integration = script(failure('E'), failure('E'), failure('E'));
    const result = await resultOf(
      { Ask: task({ Retry: [retrier(['E'])], Catch: caughtBy('States.TaskFailed') }), Caught },
      { integration },
    );
    expect(result.output).toEqual({ Error: 'E', Cause: 'cause of E' });
    expect(integration.calls).toHaveLength(3);
  });

  it('catches a timeout, which has no Cause', async () => {
    const result = await resultOf(
      { Ask: task({ Catch: caughtBy('States.Timeout') }), Caught },
      { integration: async ({ clock, signal }) => clock.sleep(100, signal).then(() => ({})) },
    );
    expect(result.output).toEqual({ Error: 'States.Timeout' });
  });

  it('catches an expression of the task that failed', async () => {
    const result = await resultOf({
      Ask: task({ Arguments: '{% $absent %}', Catch: caughtBy('States.QueryEvaluationError') }),
      Caught,
    });
    expect(result.output).toEqual({
      Error: 'States.QueryEvaluationError',
      Cause:
        `An error occurred while executing the state 'Ask' (entered at the event id #2). The JSONata expression '$absent' ` +
        `specified for the field 'Arguments' returned nothing (undefined).`,
    });
  });

  it('fails the execution by its own expressions', async () => {
    const execution = start(
      {
        Ask: task({
          Catch: [
            { ErrorEquals: ['E'], Output: '{% $states.errorOutput.absent %}', Next: 'Caught' },
            { ErrorEquals: ['States.ALL'], Next: 'Caught' },
          ],
        }),
        Caught,
      },
      { integration: script(failure('E')) },
    );
    expect((await execution.done).error).toBe('States.QueryEvaluationError');
    expect(execution.history[5]?.evaluationFailedEventDetails?.location).toBe('Catch[0]/Output');
  });
});
