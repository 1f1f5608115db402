import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import { type Integration, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { JsonObject } from '../../statemachine/asl.ts';
import { map, script, signalled, start, task, typesOf, withoutTimes } from './machine.ts';

const failure = (name = 'E') => new TaskFailure(name, `cause of ${name}`);

describe('redrive', () => {
  it('goes on in the state that failed, with its input and variables', async () => {
    const integration = script(failure(), 'repaired');
    const execution = start(
      {
        First: { Type: 'Pass', Assign: { a: 1 }, Output: 'from first', Next: 'Ask' },
        Ask: task({
          Arguments: {
            input: '{% $states.input %}',
            a: '{% $a %}',
            redrive: '{% $states.context.Execution.RedriveCount %}',
          },
          Next: 'Last',
        }),
        Last: { Type: 'Succeed', Output: '{% [$states.input, $states.context.Execution.RedriveCount] %}' },
      },
      { integration },
    );
    expect((await execution.done).status).toBe('FAILED');
    const failedAt = execution.history.length;
    execution.redrive();
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: ['repaired', 1] });
    expect(execution.redriveCount).toBe(1);
    expect(integration.calls).toEqual([
      { input: 'from first', a: 1, redrive: 0 },
      { input: 'from first', a: 1, redrive: 1 },
    ]);
    expect(withoutTimes(execution.history).slice(failedAt, failedAt + 2)).toMatchObject([
      {
        id: failedAt + 1,
        previousEventId: failedAt,
        type: 'ExecutionRedriven',
        executionRedrivenEventDetails: { redriveCount: 1 },
      },
      { type: 'TaskScheduled', previousEventId: failedAt + 1 },
    ]);
  });

  it('counts each time and tells when it happened', async () => {
    const execution = start({ Only: { Type: 'Fail', Error: 'E', Cause: '{% $string($states.context.Execution) %}' } });
    const contextNow = async () => JSON.parse((await execution.done).cause ?? '') as JsonObject;
    expect(await contextNow()).not.toHaveProperty('RedriveTime');
    for (const count of [1, 2]) {
      execution.redrive();
      expect(await contextNow()).toMatchObject({
        RedriveCount: count,
        RedriveTime: execution.history.findLast(({ type }) => type === 'ExecutionRedriven')?.timestamp?.toISOString(),
      });
    }
  });

  it('enters a Fail state again and fails again', async () => {
    const execution = start({ Only: { Type: 'Fail', Error: 'RolledBack', Cause: 'x' } });
    await execution.done;
    execution.redrive();
    expect(await execution.done).toEqual({ status: 'FAILED', error: 'RolledBack', cause: 'x' });
    expect(typesOf(execution.history)).toEqual([
      'ExecutionStarted',
      'FailStateEntered',
      'ExecutionFailed',
      'ExecutionRedriven',
      'FailStateEntered',
      'ExecutionFailed',
    ]);
  });

  it('starts the retries anew', async () => {
    const integration = script(failure(), failure(), failure(), 'done');
    const Retry = [{ ErrorEquals: ['E'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 1 }];
    const execution = start(
      { Ask: task({ Arguments: { retry: '{% $states.context.State.RetryCount %}' }, Retry }) },
      { integration },
    );
    await execution.done;
    execution.redrive();
    expect((await execution.done).output).toBe('done');
    expect(integration.calls).toEqual([{ retry: 0 }, { retry: 1 }, { retry: 0 }, { retry: 1 }]);
  });

  it('evaluates an expression that failed again', async () => {
    const execution = start({
      Decide: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $states.context.Execution.RedriveCount > 0 ? true : $absent %}', Next: 'Good' }],
        Default: 'Good',
      },
      Good: { Type: 'Succeed', Output: 'good' },
    });
    expect((await execution.done).error).toBe('States.QueryEvaluationError');
    execution.redrive();
    expect((await execution.done).output).toBe('good');
  });

  it('goes on where a stopped execution stood', async () => {
    const calls: string[] = [];
    const secondCall = signalled();
    const integration: Integration = async ({ context }) => {
      calls.push((context.State as JsonObject).Name as string);
      if (calls.length !== 2) return 'answer';
      secondCall.resolve();
      return new Promise(() => {});
    };
    const execution = start({ First: task({ Next: 'Second' }), Second: task() }, { integration });
    await secondCall.promise;
    execution.stop();
    expect((await execution.done).status).toBe('ABORTED');
    execution.redrive();
    expect((await execution.done).status).toBe('SUCCEEDED');
    expect(calls).toEqual(['First', 'Second', 'Second']);
  });

  it('gives a timed out execution its whole time again', async () => {
    const integration: Integration = async ({ clock, signal, context }) => {
      const { RedriveCount } = context.Execution as JsonObject;
      await clock.sleep(RedriveCount === 0 ? 1000 : 800, signal);
      return 'in time';
    };
    const execution = start({ Ask: task({ TimeoutSeconds: 2000 }) }, { integration, timeoutSeconds: 900 });
    expect((await execution.done).status).toBe('TIMED_OUT');
    execution.redrive();
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: 'in time' });
  });

  it('can be stopped and redriven again', async () => {
    const clock = createClock({ speed: 1 });
    const execution = start({ Only: { Type: 'Wait', Seconds: 1000, End: true } }, { clock });
    for (const count of [1, 2]) {
      execution.stop();
      expect((await execution.done).status).toBe('ABORTED');
      execution.redrive();
      expect(execution.redriveCount).toBe(count);
    }
    execution.stop();
    await execution.done;
  });

  it('is refused while the execution runs and after it succeeded', async () => {
    const execution = start({ Only: { Type: 'Succeed' } });
    expect(() => execution.redrive()).toThrow('The execution test-1 is RUNNING and cannot be redriven.');
    await execution.done;
    expect(() => execution.redrive()).toThrow('The execution test-1 is SUCCEEDED and cannot be redriven.');
  });
});

describe('redrive of a Map', () => {
  const states = {
    Each: map(
      [1, 2, 3, 4],
      {
        Before: { Type: 'Pass', Assign: { kept: '{% "item " & $states.input %}' }, Next: 'Ask' },
        Ask: task({ Arguments: { n: '{% $states.input %}', kept: '{% $kept %}' } }),
      },
      { MaxConcurrency: 1 },
    ),
  };

  it('keeps the outputs of iterations that succeeded and runs the others', async () => {
    const integration = script('one', failure(), 'two', 'three', 'four');
    const execution = start(states, { integration });
    expect((await execution.done).status).toBe('FAILED');
    const failedAt = execution.history.length;
    execution.redrive();
    expect((await execution.done).output).toEqual(['one', 'two', 'three', 'four']);
    expect(integration.calls.map(({ n }) => n)).toEqual([1, 2, 2, 3, 4]);
    expect(integration.calls[2]).toEqual({ n: 2, kept: 'item 2' });
    const redriven = execution.history.slice(failedAt);
    expect(typesOf(redriven).slice(0, 3)).toEqual(['ExecutionRedriven', 'MapIterationStarted', 'TaskScheduled']);
    expect(redriven[1]?.previousEventId).toBe(failedAt + 1);
    const startedIndexes = redriven.flatMap(({ mapIterationStartedEventDetails: details }) => details?.index ?? []);
    expect(startedIndexes).toEqual([1, 2, 3]);
    expect(typesOf(redriven)).not.toContain('MapStateStarted');
  });

  it('runs the iterations again that were aborted', async () => {
    const calls: number[] = [];
    const integration: Integration = async ({ arguments: given }) => {
      const { n } = given as { n: number };
      calls.push(n);
      if (calls.length === 4) throw failure();
      return calls.length < 4 ? new Promise<never>(() => {}) : n;
    };
    const execution = start({ Each: { ...states.Each, MaxConcurrency: 0 } }, { integration });
    await execution.done;
    execution.redrive();
    expect((await execution.done).output).toEqual([1, 2, 3, 4]);
    expect(calls.slice(4).sort()).toEqual([1, 2, 3, 4]);
  });

  it('runs no iteration again when only its Output failed', async () => {
    const integration = script('one', 'two', 'three', 'four');
    const Output = '{% $states.context.Execution.RedriveCount > 0 ? $states.result : $absent %}';
    const execution = start({ Each: { ...states.Each, Output } }, { integration });
    expect((await execution.done).error).toBe('States.QueryEvaluationError');
    execution.redrive();
    expect((await execution.done).output).toEqual(['one', 'two', 'three', 'four']);
    expect(integration.calls).toHaveLength(4);
  });

  it('runs all of them again when the results did not fit', async () => {
    const big = 'x'.repeat(100_000);
    const integration = script(big, big, big, big, 1, 2, 3, 4);
    const execution = start(states, { integration });
    expect((await execution.done).error).toBe('States.DataLimitExceeded');
    execution.redrive();
    expect((await execution.done).output).toEqual([1, 2, 3, 4]);
  });

  it('goes on inside after a stop', async () => {
    const second = signalled();
    const calls: number[] = [];
    const integration: Integration = async ({ arguments: given }) => {
      const { n } = given as { n: number };
      calls.push(n);
      if (calls.length !== 2) return n;
      second.resolve();
      return new Promise(() => {});
    };
    const execution = start(states, { integration });
    await second.promise;
    execution.stop();
    expect((await execution.done).status).toBe('ABORTED');
    execution.redrive();
    expect((await execution.done).output).toEqual([1, 2, 3, 4]);
    expect(calls).toEqual([1, 2, 2, 3, 4]);
  });
});
