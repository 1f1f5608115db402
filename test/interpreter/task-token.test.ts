import { describe, expect, it } from 'vitest';
import { type Clock, createClock } from '../../rehearsal/clock.ts';
import { createTaskTokens } from '../../rehearsal/interpreter/task-tokens.ts';
import type { Json } from '../../statemachine/asl.ts';
import { type BareStates, script, signalled, start, task, typesOf } from './machine.ts';

const waiting: BareStates = {
  Ask: task({
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName: 'ask', Payload: { token: '{% $states.context.Task.Token %}' } },
    Retry: [{ ErrorEquals: ['Lost'], IntervalSeconds: 1, MaxAttempts: 1, BackoffRate: 1 }],
    Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Next: 'Caught' }],
    Output: '{% {"answer": $states.result} %}',
  }),
  Caught: { Type: 'Pass', End: true },
};

/** A machine that waits; `asked` tells the token once its function has been called. */
function asking({ errors = [], ...options }: { errors?: Error[]; clock?: Clock } = {}) {
  const taskTokens = createTaskTokens();
  const asked = signalled();
  const tokens: string[] = [];
  const failing = script(...errors, { Payload: 'asked' });
  const execution = start(waiting, {
    ...options,
    taskTokens,
    integration: async (call) => {
      tokens.push((call.arguments as { Payload: { token: string } }).Payload.token);
      const answer = await failing(call);
      asked.resolve();
      return answer;
    },
  });
  return { execution, taskTokens, tokens, asked: asked.promise };
}

const gone = expect.objectContaining({ name: 'TaskTimedOut' });
const nothing: Json = null;

describe('a task that waits for its token', () => {
  it('goes on with what it is answered, and not with what its function returned', async () => {
    const { execution, taskTokens, tokens, asked } = asking();
    await asked;
    taskTokens.succeed(tokens[0] as string, { yes: true });
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: { answer: { yes: true } } });
    expect(typesOf(execution.history).slice(1, -1)).toEqual([
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
    ]);
    expect(execution.history[4]?.taskSubmittedEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
      output: '{"Payload":"asked"}',
    });
  });

  it('fails with the error that it is answered', async () => {
    const { execution, taskTokens, tokens, asked } = asking();
    await asked;
    taskTokens.fail(tokens[0] as string, 'No', 'because');
    expect(await execution.done).toMatchObject({ output: { Error: 'No', Cause: 'because' } });
    expect(typesOf(execution.history)).toContain('TaskFailed');
  });

  it('may be answered before its function has returned', async () => {
    const taskTokens = createTaskTokens();
    const execution = start(waiting, {
      taskTokens,
      integration: async (call) => {
        taskTokens.succeed((call.arguments as { Payload: { token: string } }).Payload.token, 'early');
        return nothing;
      },
    });
    expect(await execution.done).toMatchObject({ output: { answer: 'early' } });
  });

  it('times out, and can be answered no more', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const { execution, taskTokens, tokens, asked } = asking({ clock });
    await asked;
    await clock.sleep(61);
    expect(await execution.done).toMatchObject({ output: { Error: 'States.Timeout' } });
    expect(typesOf(execution.history)).toContain('TaskTimedOut');
    expect(() => taskTokens.succeed(tokens[0] as string, nothing)).toThrow(gone);
  });

  it('can be answered no more when its execution was stopped', async () => {
    const { execution, taskTokens, tokens, asked } = asking();
    await asked;
    execution.stop('Enough', 'waited');
    expect(await execution.done).toMatchObject({ status: 'ABORTED' });
    expect(() => taskTokens.succeed(tokens[0] as string, nothing)).toThrow(gone);
  });

  it('can be answered once', async () => {
    const { execution, taskTokens, tokens, asked } = asking();
    await asked;
    taskTokens.succeed(tokens[0] as string, 1);
    expect(() => taskTokens.fail(tokens[0] as string, 'No', 'too late')).toThrow(gone);
    expect(await execution.done).toMatchObject({ output: { answer: 1 } });
  });

  it('has a token of its own at every try', async () => {
    const { execution, taskTokens, tokens, asked } = asking({
      errors: [Object.assign(new Error('x'), { name: 'Lost' })],
    });
    await asked;
    expect(new Set(tokens).size).toBe(2);
    expect(() => taskTokens.succeed(tokens[0] as string, nothing)).toThrow(gone);
    taskTokens.succeed(tokens[1] as string, 2);
    expect(await execution.done).toMatchObject({ output: { answer: 2 } });
  });
});
