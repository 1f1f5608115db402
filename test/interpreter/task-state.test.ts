import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import { type TaskCall, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json } from '../../statemachine/asl.ts';
import { answering, resultOf, script, start, task, typesOf, withoutTimes } from './machine.ts';

const never = () => new Promise<never>(() => {});

describe('Task', () => {
  it('calls the integration with its evaluated Arguments and its context', async () => {
    const calls: TaskCall[] = [];
    const execution = start(
      { Ask: task({ Arguments: { FunctionName: 'f', Payload: { n: '{% $states.input.n %}' } } }) },
      {
        input: { n: 5 },
        integration: async (call) => {
          calls.push(call);
          return { ok: true };
        },
      },
    );
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: { ok: true } });
    expect(calls[0]).toMatchObject({
      resource: 'arn:aws:states:::lambda:invoke',
      arguments: { FunctionName: 'f', Payload: { n: 5 } },
      context: { Execution: { Id: execution.arn, RedriveCount: 0 }, State: { Name: 'Ask', RetryCount: 0 } },
    });
  });

  it('makes its result known to Assign and Output only', async () => {
    const result = await resultOf(
      {
        Ask: task({ Assign: { n: '{% $states.result.n %}' }, Output: '{% $states.result.n + 1 %}', Next: 'Last' }),
        Last: { Type: 'Pass', Output: '{% [$n, $states.input, $exists($states.result)] %}', End: true },
      },
      { integration: answering({ n: 1 }) },
    );
    expect(result.output).toEqual([1, 2, false]);
  });

  it('hands on JSON only, whatever the integration returns', async () => {
    const answer = { at: new Date(0), gone: undefined } as unknown as Json;
    expect((await resultOf({ Ask: task() }, { integration: answering(answer) })).output).toEqual({
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  it('leaves the events of AWS in the history', async () => {
    const execution = start(
      {
        Copy: task({ Resource: 'arn:aws:states:::ecs:runTask.sync', Arguments: { Cluster: 'c' }, TimeoutSeconds: 900 }),
      },
      {
        integration: async ({ submitted }) => {
          submitted({ Tasks: [] });
          return { LastStatus: 'STOPPED' };
        },
      },
    );
    await execution.done;
    const resource = { resourceType: 'ecs', resource: 'runTask.sync' };
    const output = '{"LastStatus":"STOPPED"}';
    expect(withoutTimes(execution.history)).toEqual([
      {
        id: 1,
        previousEventId: 0,
        type: 'ExecutionStarted',
        executionStartedEventDetails: { input: '{}', roleArn: 'arn:aws:iam::123456789012:role/cutover' },
      },
      { id: 2, previousEventId: 0, type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Copy', input: '{}' } },
      {
        id: 3,
        previousEventId: 2,
        type: 'TaskScheduled',
        taskScheduledEventDetails: {
          ...resource,
          region: 'me-central-1',
          parameters: '{"Cluster":"c"}',
          timeoutInSeconds: 900,
        },
      },
      { id: 4, previousEventId: 3, type: 'TaskStarted', taskStartedEventDetails: resource },
      {
        id: 5,
        previousEventId: 4,
        type: 'TaskSubmitted',
        taskSubmittedEventDetails: { ...resource, output: '{"Tasks":[]}' },
      },
      { id: 6, previousEventId: 5, type: 'TaskSucceeded', taskSucceededEventDetails: { ...resource, output } },
      { id: 7, previousEventId: 6, type: 'TaskStateExited', stateExitedEventDetails: { name: 'Copy', output } },
      { id: 8, previousEventId: 7, type: 'ExecutionSucceeded', executionSucceededEventDetails: { output } },
    ]);
    expect(execution.history.every(({ timestamp }) => timestamp instanceof Date)).toBe(true);
  });

  it('names an SDK integration as AWS does', async () => {
    const execution = start({ Scale: task({ Resource: 'arn:aws:states:::aws-sdk:ecs:updateService' }) });
    await execution.done;
    expect(execution.history[3]?.taskStartedEventDetails).toEqual({
      resourceType: 'aws-sdk:ecs',
      resource: 'updateService',
    });
  });

  it('fails by the name that a TaskFailure gives', async () => {
    const execution = start({ Ask: task() }, { integration: script(new TaskFailure('Refused', 'no such table')) });
    expect(await execution.done).toEqual({ status: 'FAILED', error: 'Refused', cause: 'no such table' });
    expect(execution.history[4]).toMatchObject({
      type: 'TaskFailed',
      taskFailedEventDetails: { resourceType: 'lambda', resource: 'invoke', error: 'Refused', cause: 'no such table' },
    });
    expect(execution.history[5]).toMatchObject({ type: 'ExecutionFailed', previousEventId: 5 });
  });

  it('fails by the name of any other error', async () => {
    const result = await resultOf({ Ask: task() }, { integration: script(new RangeError('out of range')) });
    expect(result).toEqual({ status: 'FAILED', error: 'RangeError', cause: 'out of range' });
  });

  it('times out in clock time and aborts the call', async () => {
    const signals: AbortSignal[] = [];
    const execution = start(
      { Ask: task({ TimeoutSeconds: 60 }) },
      {
        integration: async ({ clock, signal }) => {
          signals.push(signal);
          await clock.sleep(3600);
          return {};
        },
      },
    );
    expect(await execution.done).toEqual({ status: 'FAILED', error: 'States.Timeout' });
    expect(typesOf(execution.history)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskTimedOut',
      'ExecutionFailed',
    ]);
    expect(execution.history[4]?.taskTimedOutEventDetails?.error).toBe('States.Timeout');
    expect(signals[0]?.aborted).toBe(true);
  });

  it('ends what a failed call has left running', async () => {
    const signals: AbortSignal[] = [];
    const execution = start(
      { Ask: task({ Retry: [{ ErrorEquals: ['Refused'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 1 }] }) },
      {
        integration: async ({ signal }) => {
          signals.push(signal);
          if (signals.length === 1) throw new TaskFailure('Refused', 'not yet');
          return {};
        },
      },
    );
    expect(await execution.done).toMatchObject({ status: 'SUCCEEDED' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('records nothing of a call that was given up', async () => {
    let late = () => {};
    const execution = start(
      { Ask: task({ TimeoutSeconds: 0.01 }) },
      {
        clock: createClock({ speed: 1 }),
        integration: ({ submitted }) => {
          late = () => submitted({ Tasks: [] });
          return never();
        },
      },
    );
    await execution.done;
    const { length } = execution.history;
    late();
    expect(execution.history).toHaveLength(length);
  });

  it('does not call the integration when its Arguments cannot be evaluated', async () => {
    const integration = script();
    const result = await resultOf({ Ask: task({ Arguments: { x: '{% $absent %}' } }) }, { integration });
    expect(result.error).toBe('States.QueryEvaluationError');
    expect(integration.calls).toEqual([]);
  });
});

describe('the payload limit', () => {
  const bytes = (count: number) => 'ü'.repeat(count / 2);
  const caught = { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Ask' }] };

  it('holds for the result of a task, and States.ALL does not catch it', async () => {
    const result = await resultOf({ Ask: task(caught) }, { integration: answering(bytes(262_144)) });
    expect(result).toEqual({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
      cause: `The result of the task 'Ask' is 262146 bytes long, which exceeds the maximum of 262144 bytes.`,
    });
  });

  it('lets through what just fits', async () => {
    const result = await resultOf({ Ask: task() }, { integration: answering(bytes(262_142)) });
    expect(result.status).toBe('SUCCEEDED');
  });

  it.each([
    ['Arguments', task({ Arguments: '{% $states.input & $states.input %}' }), `The input of the task 'Ask'`],
    ['Output', task({ Output: '{% $states.input & $states.input %}' }), `The output of the state 'Ask'`],
    ['Assign', task({ Assign: { a: '{% $states.input & $states.input %}' } }), `What the state 'Ask' assigns`],
  ])('holds for %s', async (_, state, what) => {
    const result = await resultOf({ Ask: state }, { input: 'x'.repeat(200_000) });
    expect(result.error).toBe('States.DataLimitExceeded');
    expect(result.cause).toContain(what);
  });

  it('holds for the input of the execution', () => {
    expect(() => start({ Ask: task() }, { input: bytes(262_144) })).toThrow(
      'The input of the execution is 262146 bytes long, which exceeds the maximum of 262144 bytes.',
    );
  });
});
