import { describe, expect, it } from 'vitest';
import { evaluateField } from '../../rehearsal/interpreter/evaluate.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { catchAll } from '../../statemachine/tasks.ts';

/** What a Catch remembers of a failure. */
async function failureOf(errorOutput: JsonObject): Promise<Json> {
  const [catcher] = catchAll('Next') as unknown as [{ Assign: { failure: Json } }];
  return evaluateField(catcher.Assign.failure, 'Assign', {
    states: { errorOutput, context: { State: { Name: 'RunMigrator' }, Execution: { RedriveCount: 2 } } },
    variables: {},
    now: new Date(0),
    random: () => 0,
  });
}

const causeOf = async (Cause?: Json) =>
  ((await failureOf({ Error: 'E', ...(Cause !== undefined && { Cause }) })) as JsonObject).cause;

describe('what a Catch remembers of a failure', () => {
  it('names the state and the error', async () => {
    expect(await failureOf({ Error: 'States.Timeout' })).toEqual({
      state: 'RunMigrator',
      error: 'States.Timeout',
      cause: 'no cause was given',
      redriveCount: 2,
    });
    expect(await failureOf({})).toMatchObject({ error: 'Unknown' });
  });

  it("takes the message out of a Lambda's cause", async () => {
    const errorMessage = 'It said "no":\n\tC:\\data, 100 % – {"a": [1]} / ✓ \u0007';
    const cause = { errorType: 'Refused', errorMessage, trace: ['Refused: It said', '    at handler'] };
    expect(await causeOf(JSON.stringify(cause))).toBe(errorMessage);
    expect(await causeOf(JSON.stringify(cause, null, 2))).toBe(errorMessage);
    expect(await causeOf(JSON.stringify(cause).replace('no', '\\u006eo'))).toBe(errorMessage);
  });

  it('takes the reason out of an ECS task', async () => {
    const task = {
      Containers: [{ ExitCode: 1, Name: 'migrate', LastStatus: 'STOPPED' }],
      StopCode: 'EssentialContainerExited',
      StoppedReason: 'Essential container in task exited',
      TaskArn: 'arn:aws:ecs:me-central-1:123456789012:task/c/1',
    };
    expect(await causeOf(JSON.stringify(task))).toBe('Essential container in task exited');
  });

  it('leaves plain text as it is', async () => {
    expect(await causeOf('Service not found.')).toBe('Service not found.');
    expect(await causeOf('The answer was "errorMessage": "x"')).toBe('The answer was "errorMessage": "x"');
  });

  it('has words where there are none', async () => {
    expect(await causeOf()).toBe('no cause was given');
    expect(await causeOf('')).toBe('no cause was given');
    expect(await causeOf('{"errorType":"Error","errorMessage":"","trace":[]}')).toBe('no cause was given');
  });

  it('gives the JSON itself where it holds no message', async () => {
    for (const cause of ['{"errorType":"Runtime.ExitError"}', '{"errorMessage":null}', '{"errorMessage":{"a":1}}', '{'])
      expect(await causeOf(cause)).toBe(cause);
  });

  it('fails at no place where Step Functions may cut the cause off', async () => {
    const whole = JSON.stringify({ errorType: 'E', errorMessage: 'a "b" \\ \n \u0001 é ✓', trace: ['t'] });
    const text = 'a "b" \\ \n \u0001 é ✓';
    for (let length = 1; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      const said = String(await causeOf(cut));
      expect(said === cut || said === 'no cause was given' || text.startsWith(said), cut).toBe(true);
    }
  });

  it('does not choke on what is no JSON at all', async () => {
    expect(await causeOf('{ broken "errorMessage": "a\\x" }')).toBe('a');
    expect(await causeOf('{ broken "errorMessage": "two\nlines" }')).toBe('two');
    expect(await causeOf('{ broken "errorMessage": "of \\"two\nlines" }')).toBe('of "two');
    expect(await causeOf('{ "errorMessage": "\\u12')).toBe('no cause was given');
  });

  it('keeps a long message to what a Fail state takes', async () => {
    const errorMessage = 'x"'.repeat(100_000);
    expect(await causeOf(JSON.stringify({ errorMessage }))).toBe(errorMessage.slice(0, 10_000));
  });
});
