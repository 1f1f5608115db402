import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import type { HistoryEvent } from '../../rehearsal/interpreter/execution.ts';
import { map, signalled, start, task, typesOf } from './machine.ts';

const hanging = { integration: () => new Promise<never>(() => {}) };

describe('an execution', () => {
  it('reports each event as it happens', async () => {
    const seen: HistoryEvent[] = [];
    const execution = start({ Only: { Type: 'Succeed' } }, { onEvent: (event) => seen.push(event) });
    expect(typesOf(seen)).toEqual(['ExecutionStarted']);
    await execution.done;
    expect(seen).toEqual(execution.history);
    expect(typesOf(seen)).toHaveLength(4);
  });

  it('passes the output of each state on as the input of the next', async () => {
    const execution = start(
      {
        First: { Type: 'Pass', Output: '{% $states.input.n + 1 %}', Next: 'Second' },
        Second: { Type: 'Pass', Output: '{% $states.input * 10 %}', End: true },
      },
      { input: { n: 1 } },
    );
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: 20 });
    expect(execution.history[3]).toMatchObject({
      previousEventId: 3,
      stateEnteredEventDetails: { name: 'Second', input: '2' },
    });
  });

  it('fails when a state leads nowhere', async () => {
    const execution = start({ Only: { Type: 'Pass', Next: 'Nowhere' } });
    expect(await execution.done).toEqual({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: `There is no state 'Nowhere'.`,
    });
  });

  it('times out in clock time', async () => {
    const execution = start({ Only: { Type: 'Wait', Seconds: 1000, End: true } }, { timeoutSeconds: 900 });
    expect(await execution.done).toEqual({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(execution.history.at(-1)).toMatchObject({
      id: 3,
      previousEventId: 0,
      type: 'ExecutionTimedOut',
      executionTimedOutEventDetails: { error: 'States.Timeout' },
    });
  });

  it('is stopped in the middle of a task, whose signal is aborted', async () => {
    const signals: AbortSignal[] = [];
    const started = signalled();
    const execution = start(
      { Ask: task({ Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 1 }] }) },
      {
        integration: ({ signal }) => {
          signals.push(signal);
          started.resolve();
          return new Promise(() => {});
        },
      },
    );
    await started.promise;
    execution.stop('Operator', 'enough');
    expect(await execution.done).toEqual({ status: 'ABORTED', error: 'Operator', cause: 'enough' });
    expect(signals).toHaveLength(1);
    expect(signals[0]?.aborted).toBe(true);
    expect(execution.history.at(-1)).toMatchObject({
      previousEventId: 0,
      type: 'ExecutionAborted',
      executionAbortedEventDetails: { error: 'Operator', cause: 'enough' },
    });
  });

  it.each([
    ['a Wait', { Only: { Type: 'Wait', Seconds: 1000, End: true } }],
    ['a Map', { Only: map([1, 2], { Ask: task() }) }],
  ] as const)('is stopped in the middle of %s without a word why', async (_, states) => {
    const clock = createClock({ speed: 1 });
    const execution = start(states as never, { ...hanging, clock });
    await clock.sleep(0.02);
    execution.stop();
    expect(await execution.done).toEqual({ status: 'ABORTED' });
    expect(execution.history.at(-1)?.executionAbortedEventDetails).toEqual({});
    expect(typesOf(execution.history).filter((type) => /Exited|Succeeded/.test(String(type)))).toEqual([]);
  });

  it('leaves no alarm behind', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    let alarms = 0;
    const counting = {
      ...clock,
      after: (seconds: number, callback: () => void) => {
        const cancel = clock.after(seconds, callback);
        alarms += 1;
        return () => {
          alarms -= 1;
          cancel();
        };
      },
    };
    let alarmsInTheTask = 0;
    const integration = async () => {
      alarmsInTheTask = alarms;
      return {};
    };
    await start({ Ask: task() }, { clock: counting, integration }).done;
    expect(alarmsInTheTask).toBe(2);
    expect(alarms).toBe(0);
  });

  it('is not changed by a stop after its end', async () => {
    const execution = start({ Only: { Type: 'Succeed' } });
    await execution.done;
    execution.stop();
    expect((await execution.done).status).toBe('SUCCEEDED');
    expect(execution.history).toHaveLength(4);
  });

  it('fails when its history reaches 25,000 events', async () => {
    const execution = start({ Loop: { Type: 'Pass', Next: 'Loop' } });
    expect(await execution.done).toEqual({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
    });
    expect(execution.history).toHaveLength(25_000);
    expect(() => execution.redrive()).toThrow(
      'The execution test-1 has 25000 history events and cannot be redriven; start a new one.',
    );
  });

  it('fails by its full history inside a Map too', async () => {
    const execution = start({ Each: map([1, 2, 3], { Loop: { Type: 'Pass', Next: 'Loop' } }) });
    expect((await execution.done).error).toBe('States.Runtime');
    expect(execution.history).toHaveLength(25_000);
  });
});
