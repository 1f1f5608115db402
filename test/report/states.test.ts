import { describe, expect, it } from 'vitest';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import { StateTracker, statesOf } from '../../report/states.ts';
import { map, script, signalled, start, task } from '../interpreter/machine.ts';

const failure = (name: string) => new TaskFailure(name, `cause of ${name}`);

/** Name, whether it was left, retries and error of each state, in the order of their entry. */
const told = (history: Parameters<typeof statesOf>[0]) =>
  statesOf(history).map(({ name, seconds, retries, error }) => [name, seconds !== null, retries, error]);

describe('the states of a history', () => {
  it('are a Map, left once, and the states of each iteration', async () => {
    const execution = start(
      { Each: map([{ table: 'a' }, { table: 'b' }], { One: task() }, { Next: 'End' }), End: { Type: 'Succeed' } },
      { integration: script(1, 2) },
    );
    await execution.done;
    expect(told(execution.history)).toEqual([
      ['Each', true, 0, null],
      ['One', true, 0, null],
      ['One', true, 0, null],
      ['End', true, 0, null],
    ]);
  });

  it('carry the error with which a Catch leaves them, an expression that failed too', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'End' }];
    const execution = start(
      {
        Each: map([1, 2], { One: task() }, { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Ask' }], Next: 'Ask' }),
        Ask: task({ Assign: { a: '{% $none.such %}' }, Catch, Next: 'End' }),
        End: { Type: 'Succeed' },
      },
      { integration: script(failure('Broken'), 2, 3) },
    );
    await execution.done;
    const [each, ...others] = told(execution.history);
    expect(each).toEqual(['Each', true, 0, 'Broken']);
    expect(others.slice(-2)).toEqual([
      ['Ask', true, 0, 'States.QueryEvaluationError'],
      ['End', true, 0, null],
    ]);
  });

  it('go on after a redrive in the state where the execution stopped', async () => {
    const execution = start(
      { Ask: task({ Next: 'Last' }), Last: { Type: 'Succeed' } },
      { integration: script(failure('Broken'), 'repaired') },
    );
    await execution.done;
    expect(told(execution.history)).toEqual([['Ask', false, 0, 'Broken']]);
    execution.redrive();
    await execution.done;
    expect(told(execution.history)).toEqual([
      ['Ask', true, 1, null],
      ['Last', true, 0, null],
    ]);
  });

  it('go on after a redrive of an execution that was stopped', async () => {
    const begun = signalled();
    let calls = 0;
    const execution = start(
      { Ask: task() },
      {
        integration: ({ signal }) => {
          begun.resolve();
          if (++calls > 1) return Promise.resolve('answer');
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
      },
    );
    await begun.promise;
    execution.stop();
    await execution.done;
    execution.redrive();
    await execution.done;
    expect(told(execution.history)).toEqual([['Ask', true, 0, null]]);
  });

  it('go on after a redrive in the iteration of a Map that failed', async () => {
    const execution = start(
      { Each: map(['a', 'b'], { One: task() }, { MaxConcurrency: 1 }) },
      { integration: script('a', failure('Broken'), 'b') },
    );
    await execution.done;
    execution.redrive();
    const tracker = new StateTracker();
    for (const event of execution.history) tracker.add(event);
    expect([...tracker.open].map(({ record }) => record.name)).toEqual(['Each', 'One']);
    await execution.done;
    expect(told(execution.history)).toEqual([
      ['Each', true, 0, null],
      ['One', true, 0, null],
      ['One', true, 1, null],
    ]);
  });

  it('leave only the newest visit open when a Fail state is entered again', async () => {
    const execution = start({ Only: { Type: 'Fail', Error: 'RolledBack', Cause: 'x' } });
    await execution.done;
    execution.redrive();
    await execution.done;
    const tracker = new StateTracker();
    for (const event of execution.history) tracker.add(event);
    expect([...tracker.open].length).toBe(1);
    expect(tracker.records.size).toBe(2);
  });
});
