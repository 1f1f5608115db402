import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import type { ChoiceState } from '../../statemachine/asl.ts';
import { resultOf, start, typesOf } from './machine.ts';

describe('Pass', () => {
  it('hands its input on', async () => {
    expect(await resultOf({ Only: { Type: 'Pass', End: true } }, { input: [1, 2] })).toEqual({
      status: 'SUCCEEDED',
      output: [1, 2],
    });
  });
});

describe('Wait', () => {
  it('waits in clock time, by a number or an expression', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const before = clock.now().getTime();
    const execution = start(
      {
        Long: { Type: 'Wait', Seconds: 1000, Next: 'Longer' },
        Longer: { Type: 'Wait', Seconds: '{% $states.input.seconds %}', Assign: { a: 1 }, Output: 'waited', End: true },
      },
      { clock, input: { seconds: 2000 } },
    );
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: 'waited' });
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(3_000_000);
    expect(typesOf(execution.history).slice(1, 3)).toEqual(['WaitStateEntered', 'WaitStateExited']);
  });

  it.each(['"5"', '-1', '1.5'])('refuses %s seconds', async (seconds) => {
    const result = await resultOf({ Only: { Type: 'Wait', Seconds: `{% ${seconds} %}`, End: true } });
    expect(result.error).toBe('States.QueryEvaluationError');
    expect(result.cause).toContain(
      `for the field 'Seconds' returned an unexpected result type. Expected 'number of whole seconds'`,
    );
  });
});

describe('Succeed', () => {
  it('ends the execution with its Output', async () => {
    const execution = start(
      { Only: { Type: 'Succeed', Output: { ok: '{% $states.input.a %}' } } },
      { input: { a: 1 } },
    );
    expect(await execution.done).toEqual({ status: 'SUCCEEDED', output: { ok: 1 } });
    expect(typesOf(execution.history)).toEqual([
      'ExecutionStarted',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
  });
});

describe('Fail', () => {
  it('fails with literal or evaluated Error and Cause', async () => {
    const execution = start(
      { Only: { Type: 'Fail', Error: 'RolledBack', Cause: '{% "because of " & $states.input.why %}' } },
      { input: { why: 'x' } },
    );
    expect(await execution.done).toEqual({ status: 'FAILED', error: 'RolledBack', cause: 'because of x' });
    expect(typesOf(execution.history)).toEqual(['ExecutionStarted', 'FailStateEntered', 'ExecutionFailed']);
    expect(execution.history[2]?.executionFailedEventDetails).toEqual({ error: 'RolledBack', cause: 'because of x' });
  });

  it('fails by its expression when the Cause is no text', async () => {
    const result = await resultOf({ Only: { Type: 'Fail', Error: 'E', Cause: '{% 5 %}' } });
    expect(result.error).toBe('States.QueryEvaluationError');
    expect(result.cause).toContain(`Expected 'string', but was 'number' for value: 5`);
  });
});

describe('Choice', () => {
  const states = {
    Decide: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n > 10 %}', Assign: { by: 'first' }, Output: 'big', Next: 'End' },
        { Condition: '{% $states.input.n > 5 %}', Assign: { by: 'second' }, Next: 'End' },
      ],
      Default: 'End',
      Assign: { by: 'default' },
      Output: 'small',
    },
    End: { Type: 'Pass', Output: '{% [$by, $states.input] %}', End: true },
  } as const;

  it.each([
    [20, ['first', 'big']],
    [7, ['second', { n: 7 }]],
    [1, ['default', 'small']],
  ])('takes the first rule that is true, else the default: %d', async (n, expected) => {
    expect((await resultOf(states as never, { input: { n } })).output).toEqual(expected);
  });

  it('fails when its Condition is no boolean', async () => {
    const result = await resultOf({
      Decide: { Type: 'Choice', Choices: [{ Condition: '{% "yes" %}', Next: 'End' }], Default: 'End' },
      End: { Type: 'Succeed' },
    });
    expect(result.cause).toBe(
      `An error occurred while executing the state 'Decide' (entered at the event id #2). The JSONata expression '"yes"' ` +
        `specified for the field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was ` +
        `'string' for value: "yes"`,
    );
  });

  it('fails without a match and without a Default', async () => {
    const choice = {
      Type: 'Choice',
      Choices: [{ Condition: '{% false %}', Next: 'Decide' }],
    } as unknown as ChoiceState;
    expect(await resultOf({ Decide: choice })).toEqual({
      status: 'FAILED',
      error: 'States.NoChoiceMatched',
      cause: `No choice of the state 'Decide' matched.`,
    });
  });
});
