import { describe, expect, it } from 'vitest';
import { type TaskCall, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json } from '../../statemachine/asl.ts';
import { map, resultOf, script, start, task, typesOf, withoutTimes } from './machine.ts';

const argumentsOf = (call: TaskCall) => call.arguments as { n: number };
const askN = task({ Arguments: { n: '{% $states.input %}' } });

describe('Map', () => {
  it('keeps the order of the items, whichever iteration ends first', async () => {
    const result = await resultOf(
      { Each: map('{% [1, 2, 3] %}', { Ask: askN }) },
      {
        integration: async (call) => {
          const { n } = argumentsOf(call);
          await new Promise((resolve) => setTimeout(resolve, 30 - 10 * n));
          return n * 10;
        },
      },
    );
    expect(result.output).toEqual([10, 20, 30]);
  });

  it('takes literal items with expressions in them, and none at all', async () => {
    const each = (items: Json) => resultOf({ Each: map(items, { Only: { Type: 'Pass', End: true } }) }, { input: 'x' });
    expect((await each(['a', '{% $states.input %}'])).output).toEqual(['a', 'x']);
    expect((await each([])).output).toEqual([]);
  });

  it('gives the ItemSelector and the states inside the item of their iteration', async () => {
    const result = await resultOf(
      {
        Each: map(
          '{% $states.input.tables %}',
          { Only: { Type: 'Pass', Output: '{% [$states.input, $states.context.Map.Item.Index] %}', End: true } },
          {
            ItemSelector: { table: '{% $states.context.Map.Item.Value %}', run: '{% $states.input.run %}' },
            Output: { verdicts: '{% $states.result %}' },
          },
        ),
      },
      { input: { run: 'r', tables: ['events', 'tags'] } },
    );
    expect(result.output).toEqual({
      verdicts: [
        [{ table: 'events', run: 'r' }, 0],
        [{ table: 'tags', run: 'r' }, 1],
      ],
    });
  });

  it('lets iterations read the variables outside, and keeps theirs inside', async () => {
    const result = await resultOf({
      First: { Type: 'Pass', Assign: { outer: 1 }, Next: 'Each' },
      Each: map(
        [10, 20],
        {
          Add: { Type: 'Pass', Assign: { inner: '{% $outer + $states.input %}' }, Next: 'Show' },
          Show: { Type: 'Pass', Output: '{% $inner %}', End: true },
        },
        { Next: 'Last' },
      ),
      Last: { Type: 'Pass', Output: '{% [$states.input, $exists($inner)] %}', End: true },
    });
    expect(result.output).toEqual([11, 21, false]);
  });

  it.each([
    [1, 1],
    [2, 2],
    [0, 5],
  ])('runs MaxConcurrency %d as %d at a time', async (MaxConcurrency, expected) => {
    let running = 0;
    let most = 0;
    await resultOf(
      { Each: map([1, 2, 3, 4, 5], { Ask: askN }, { MaxConcurrency }) },
      {
        integration: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running -= 1;
          return {};
        },
      },
    );
    expect(most).toBe(expected);
  });

  it('leaves the events of AWS in the history', async () => {
    const execution = start({ Each: map(['a'], { Only: { Type: 'Pass', End: true } }) });
    await execution.done;
    const details = { name: 'Each', index: 0 };
    expect(withoutTimes(execution.history).slice(2, -2)).toEqual([
      { id: 3, previousEventId: 2, type: 'MapStateStarted', mapStateStartedEventDetails: { length: 1 } },
      { id: 4, previousEventId: 3, type: 'MapIterationStarted', mapIterationStartedEventDetails: details },
      { id: 5, previousEventId: 4, type: 'PassStateEntered', stateEnteredEventDetails: { name: 'Only', input: '"a"' } },
      { id: 6, previousEventId: 5, type: 'PassStateExited', stateExitedEventDetails: { name: 'Only', output: '"a"' } },
      { id: 7, previousEventId: 6, type: 'MapIterationSucceeded', mapIterationSucceededEventDetails: details },
      { id: 8, previousEventId: 7, type: 'MapStateSucceeded' },
    ]);
    expect(execution.history[8]?.type).toBe('MapStateExited');
  });

  it('fails with its first failed iteration and aborts the others', async () => {
    const signals: AbortSignal[] = [];
    const execution = start(
      { Each: map([1, 2, 3], { Ask: askN }, { MaxConcurrency: 2 }) },
      {
        integration: (call) => {
          signals.push(call.signal);
          if (argumentsOf(call).n === 2) throw new TaskFailure('Refused', 'number 2');
          return new Promise(() => {});
        },
      },
    );
    expect(await execution.done).toEqual({ status: 'FAILED', error: 'Refused', cause: 'number 2' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    const failed = execution.history.find(({ type }) => type === 'TaskFailed')?.id;
    expect(withoutTimes(execution.history).slice(-5)).toMatchObject([
      {
        type: 'MapIterationFailed',
        previousEventId: failed,
        mapIterationFailedEventDetails: { name: 'Each', index: 1 },
      },
      { type: 'TaskStateAborted', previousEventId: failed },
      { type: 'MapIterationAborted', previousEventId: failed, mapIterationAbortedEventDetails: { index: 0 } },
      { type: 'MapStateFailed', previousEventId: failed },
      { type: 'ExecutionFailed', previousEventId: execution.history.length - 1 },
    ]);
  });

  it('is retried from the beginning and then caught', async () => {
    const integration = script('a1', new TaskFailure('E', 'x'), 'a2', new TaskFailure('E', 'y'));
    const execution = start(
      {
        Each: map(
          [1, 2],
          { Ask: askN },
          {
            MaxConcurrency: 1,
            Retry: [{ ErrorEquals: ['E'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 1 }],
            Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
          },
        ),
        Caught: { Type: 'Succeed' },
      },
      { integration },
    );
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: { Error: 'E', Cause: 'y' } });
    expect(integration.calls).toEqual([{ n: 1 }, { n: 2 }, { n: 1 }, { n: 2 }]);
    expect(typesOf(execution.history).filter((type) => type === 'MapStateStarted')).toHaveLength(2);
  });

  it.each([
    ['Items', map('{% {"a": 1} %}', { Only: { Type: 'Pass', End: true } }), `Expected 'array', but was 'object'`],
    [
      'ItemSelector/x',
      map([1], { Only: { Type: 'Pass', End: true } }, { ItemSelector: { x: '{% $no %}' } }),
      'nothing',
    ],
  ])('can catch that its %s fails', async (location, each, message) => {
    const execution = start({
      Each: { ...each, Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Caught' }] },
      Caught: { Type: 'Succeed', Output: '{% $states.input.Cause %}' },
    });
    expect((await execution.done).output).toContain(message);
    expect(execution.history[2]?.evaluationFailedEventDetails?.location).toBe(location);
  });

  it('refuses a result above the payload limit', async () => {
    const big = 'x'.repeat(200_000);
    const result = await resultOf({ Each: map([1, 2], { Only: { Type: 'Pass', Output: big, End: true } }) });
    expect(result.error).toBe('States.DataLimitExceeded');
    expect(result.cause).toContain(`The result of the state 'Each'`);
  });

  it('may stand inside a Map', async () => {
    const inner = map('{% $states.input %}', { Only: { Type: 'Pass', Output: '{% $states.input * 2 %}', End: true } });
    const result = await resultOf({
      Outer: map([[1, 2], [3]], { Inner: inner }),
    });
    expect(result.output).toEqual([[2, 4], [6]]);
  });
});
