import { describe, expect, it } from 'vitest';
import { outputOf, resultOf, start } from './machine.ts';

describe('expressions', () => {
  it('are evaluated at any depth, and other strings are literal', async () => {
    const output = {
      plain: '$states.input.a',
      nearly: ' {% 1 %}',
      nested: [{ sum: '{% $states.input.a + 1 %}' }, 'x', null, true, 2.5],
    };
    expect(await outputOf(output, { a: 1 })).toEqual({
      plain: '$states.input.a',
      nearly: ' {% 1 %}',
      nested: [{ sum: 2 }, 'x', null, true, 2.5],
    });
  });

  it('may run over several lines', async () => {
    expect(await outputOf('{% (\n  $x := 2;\n  $x * 3\n) %}')).toBe(6);
  });

  it('give plain arrays, also deep inside', async () => {
    const output = await outputOf('{% {"all": $states.input.items.n, "one": $states.input.items[n = 1].n} %}', {
      items: [{ n: 1 }, { n: 2 }],
    });
    expect(output).toEqual({ all: [1, 2], one: 1 });
    expect(Object.getOwnPropertyNames((output as { all: number[] }).all)).toEqual(['0', '1', 'length']);
  });

  it('see the context of the execution and the state', async () => {
    const execution = start(
      { Only: { Type: 'Pass', Output: '{% $states.context %}', End: true } },
      { input: { a: 1 }, name: 'my-run' },
    );
    const { output } = await execution.done;
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(execution.arn).toBe('arn:aws:states:me-central-1:123456789012:execution:cutover:my-run');
    expect(output).toEqual({
      Execution: {
        Id: execution.arn,
        Input: { a: 1 },
        Name: 'my-run',
        RoleArn: 'arn:aws:iam::123456789012:role/cutover',
        StartTime: time,
        RedriveCount: 0,
      },
      State: { Name: 'Only', EnteredTime: time },
      StateMachine: { Id: 'arn:aws:states:me-central-1:123456789012:stateMachine:cutover', Name: 'cutover' },
    });
  });

  it('follow the clock of the execution', async () => {
    const result = await resultOf({
      Before: { Type: 'Pass', Assign: { before: '{% $millis() %}' }, Next: 'Wait' },
      Wait: { Type: 'Wait', Seconds: 3000, Next: 'After' },
      After: { Type: 'Pass', Output: { passed: '{% $millis() - $before %}', year: '{% $now("[Y]") %}' }, End: true },
    });
    const { passed, year } = result.output as { passed: number; year: string };
    expect(passed).toBeGreaterThanOrEqual(3_000_000);
    expect(year).toMatch(/^\d{4}$/);
  });

  it.each([
    ['$states.input.absent', 'returned nothing (undefined).'],
    ['$states.input.list[n = 9]', 'returned nothing (undefined).'],
    [
      '$abs("x")',
      'threw an error during evaluation. T0410: Argument 1 of function "abs" does not match function signature',
    ],
    ['$eval("1")', 'threw an error during evaluation. T1006: Attempted to invoke a non-function'],
    ['1 +', 'threw an error during evaluation. S0207: Unexpected end of expression'],
    ['$error("no good")', 'threw an error during evaluation. D3137: no good'],
    ['1 / 0', 'returned a number that JSON cannot hold: Infinity.'],
    ['[function($x) { $x }]', 'returned an unsupported result type: function.'],
    ['$sum', 'returned an unsupported result type: function.'],
  ])('fail the execution: %s', async (expression, what) => {
    const message = `The JSONata expression '${expression}' specified for the field 'Output/a[1]/b' ${what}`;
    const execution = start({
      Only: { Type: 'Pass', Output: { a: [1, { b: `{% ${expression} %}` }] }, End: true },
    });
    expect(await execution.done).toEqual({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
      cause: `An error occurred while executing the state 'Only' (entered at the event id #2). ${message}`,
    });
    expect(execution.history[2]).toMatchObject({
      type: 'EvaluationFailed',
      previousEventId: 2,
      evaluationFailedEventDetails: {
        error: 'States.QueryEvaluationError',
        cause: message,
        location: 'Output/a[1]/b',
        state: 'Only',
      },
    });
  });
});

describe('the functions that Step Functions adds', () => {
  it.each([
    ['$partition([1, 2, 3, 4, 5], 2)', [[1, 2], [3, 4], [5]]],
    ['$range(0, 10, 5)', [0, 5, 10]],
    ['$range(3, 1, -1)', [3, 2, 1]],
    ['$hash("abc", "MD5")', '900150983cd24fb0d6963f7d28e17f72'],
    ['$hash("abc", "SHA-1")', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['$hash("abc", "SHA-256")', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['$parse(\'{"a": [1]}\')', { a: [1] }],
    ['$random(7) = $random(7)', true],
    ['$random(7) = $random(8)', false],
    ['$uuid() = $uuid()', false],
  ])('%s', async (expression, expected) => {
    expect(await outputOf(`{% ${expression} %}`)).toEqual(expected);
  });

  it.each([
    ['$partition([1], 0)', '$partition: the size is 0; it must be 1 or more.'],
    ['$range(1, 2, 0)', '$range: the step is 0; it must be above or below 0.'],
    ['$range(1, 1001, 1)', '$range: 1001 numbers were asked for; 1000 is the limit.'],
    ['$hash("a", "SHA-3")', '$hash: the algorithm is SHA-3; it must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512.'],
  ])('refuses %s', async (expression, message) => {
    await expect(outputOf(`{% ${expression} %}`)).rejects.toThrow(message);
  });

  it('takes $random from the source that the execution was given', async () => {
    const states = { Only: { Type: 'Pass', Output: '{% $random() %}', End: true } } as const;
    expect((await resultOf(states, { random: () => 0.25 })).output).toBe(0.25);
  });
});

describe('variables', () => {
  it('are assigned all at once from the values before', async () => {
    const result = await resultOf({
      First: { Type: 'Pass', Assign: { a: 1, b: 2 }, Next: 'Swap' },
      Swap: { Type: 'Pass', Assign: { a: '{% $b %}', b: '{% $a %}' }, Output: '{% [$a, $b] %}', Next: 'Last' },
      Last: { Type: 'Pass', Output: '{% [$states.input, $a, $b] %}', End: true },
    });
    expect(result.output).toEqual([1, 2, 2, 1]);
  });

  it('stand in the history as JSON text', async () => {
    const execution = start({ Only: { Type: 'Pass', Assign: { a: { b: 'x' }, c: 'y' }, End: true } });
    await execution.done;
    expect(execution.history[2]?.stateExitedEventDetails?.assignedVariables).toEqual({ a: '{"b":"x"}', c: '"y"' });
  });

  it('that were never assigned are undefined', async () => {
    await expect(outputOf('{% $absent %}')).rejects.toThrow('returned nothing (undefined)');
  });
});
