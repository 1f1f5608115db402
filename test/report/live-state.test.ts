import { describe, expect, it } from 'vitest';
import { LiveModel } from '../../report/live-state.ts';
import type { HistoryEventLike } from '../../report/states.ts';

const START = Date.parse('2026-11-25T10:00:00Z');

/** A model whose real time stands still until `wait`; `at` gives events of one execution, seconds of its clock after its start. */
function scene() {
  let real = 5_000;
  const model = new LiveModel(() => real);
  let id = 0;
  return {
    model,
    wait: (seconds: number) => {
      real += seconds * 1000;
    },
    at: (seconds: number, type: string, details: HistoryEventLike = {}, machine?: string) => {
      id = type === 'ExecutionStarted' ? 1 : id + 1;
      const timestamp = new Date(START + seconds * 1000);
      return model.event({ id, previousEventId: id - 1, timestamp, type, ...details }, machine);
    },
  };
}

const entered = (name: string, input: object = {}) => ({
  stateEnteredEventDetails: { name, input: JSON.stringify(input) },
});
const exited = (name: string, output: object = {}) => ({
  stateExitedEventDetails: { name, output: JSON.stringify(output) },
});
const failed = (error: string) => ({ taskFailedEventDetails: { error } });

const rows = (table: string, done: boolean, count = 1_200) =>
  JSON.stringify({
    event: 'rows',
    verb: 'copied',
    table,
    rows: count,
    total: 4_000,
    rowsPerSecond: 600,
    etaSeconds: 5,
    done,
  });

describe('the live state', () => {
  it('tells how long the rehearsal prepares, until an execution begins', () => {
    const { model, wait, at } = scene();
    wait(3);
    expect(model.state()).toEqual({ preparingSeconds: 3, running: [], tables: [], writeStop: null });
    expect(at(0, 'ExecutionStarted')).toEqual([{ kind: 'execution', machine: 'cutover', redriveCount: 0 }]);
    expect(model.state()).toEqual({ preparingSeconds: null, running: [], tables: [], writeStop: null });
  });

  it('counts the seconds of a state by the clock of the events, and by real time between two of them', () => {
    const { model, wait, at } = scene();
    at(0, 'ExecutionStarted');
    at(1, 'TaskStateEntered', entered('AwaitSwitch'));
    wait(0.5);
    const running = { name: 'AwaitSwitch', table: null, retries: 0, error: null, iterations: null };
    expect(model.state().running).toEqual([{ ...running, seconds: 0.5 }]);
    at(2, 'TaskScheduled');
    at(3, 'TaskFailed', failed('NotYet'));
    wait(0.25);
    expect(model.state().running).toEqual([{ ...running, seconds: 2.25 }]);
    at(13, 'TaskScheduled');
    expect(model.state().running).toEqual([{ ...running, seconds: 12, retries: 1 }]);
    at(14, 'TaskFailed', failed('Throttled'));
    expect(model.state().running).toEqual([{ ...running, seconds: 13, retries: 1, error: 'Throttled' }]);
    at(16, 'TaskScheduled');
    at(17, 'TaskSucceeded');
    expect(at(17, 'TaskStateExited', exited('AwaitSwitch'))).toEqual([
      {
        kind: 'state',
        record: { name: 'AwaitSwitch', enteredAt: '2026-11-25T10:00:01.000Z', seconds: 16, retries: 2, error: null },
        table: null,
        verdict: null,
      },
    ]);
    expect(model.state().running).toEqual([]);
  });

  it('shows the iterations of a Map side by side, each with its table', () => {
    const { model } = scene();
    const event = (id: number, previousEventId: number, type: string, details: HistoryEventLike = {}) =>
      model.event({ id, previousEventId, timestamp: new Date(START + id * 1000), type, ...details });
    const iteration = (index: number) => ({ mapIterationStartedEventDetails: { name: 'VerifyCounts', index } });
    event(1, 0, 'ExecutionStarted');
    event(2, 1, 'MapStateEntered', entered('VerifyCounts'));
    event(3, 2, 'MapStateStarted', { mapStateStartedEventDetails: { length: 2 } });
    event(4, 3, 'MapIterationStarted', iteration(0));
    event(5, 4, 'TaskStateEntered', entered('VerifyTable', { table: 'kv' }));
    event(6, 3, 'MapIterationStarted', iteration(1));
    event(7, 6, 'TaskStateEntered', entered('VerifyTable', { table: 'events' }));
    const state = { retries: 0, error: null, iterations: null };
    expect(model.state().running).toEqual([
      { ...state, name: 'VerifyCounts', table: null, seconds: 5, iterations: { done: 0, total: 2 } },
      { ...state, name: 'VerifyTable', table: 'kv', seconds: 2 },
      { ...state, name: 'VerifyTable', table: 'events', seconds: 0 },
    ]);
    const [ended] = event(8, 5, 'TaskStateExited', exited('VerifyTable', { table: 'kv', verdict: 'mismatch' }));
    expect(ended).toMatchObject({ kind: 'state', table: 'kv', verdict: 'mismatch' });
    event(9, 8, 'MapIterationSucceeded');
    expect(model.state().running.map(({ name, table, iterations }) => [name, table, iterations])).toEqual([
      ['VerifyCounts', null, { done: 1, total: 2 }],
      ['VerifyTable', 'events', null],
    ]);
  });

  it('has the tables that the migrator works at, until they are done or it has ended', () => {
    const { model } = scene();
    expect(model.log('relay', rows('kv', false))).toBeNull();
    model.log('migrate', rows('kv', false));
    model.log('migrate', rows('events', false));
    expect(model.state().tables.map(({ table, rows: count }) => [table, count])).toEqual([
      ['kv', 1_200],
      ['events', 1_200],
    ]);
    model.log('migrate', rows('kv', true, 4_000));
    expect(model.state().tables.map(({ table }) => table)).toEqual(['events']);
    expect(model.log('migrate', '{"event":"result","outcome":"failed","message":"no server"}')).toEqual({
      kind: 'result',
      text: 'no server',
    });
    expect(model.state().tables).toEqual([]);
  });

  it('forgets the tables of a migrator that was killed', () => {
    const { model, at } = scene();
    at(0, 'ExecutionStarted');
    at(0, 'TaskStateEntered', entered('RunMigrator'));
    model.log('migrate', rows('events', false));
    at(5, 'TaskFailed', failed('States.TaskFailed'));
    at(5, 'TaskStateExited', exited('RunMigrator'));
    expect(model.state().tables).toEqual([]);
  });

  it('runs the write stop from the last STOPPED until a relay serves, over its executions', () => {
    const { model, wait, at } = scene();
    at(0, 'ExecutionStarted');
    at(1, 'TaskStateEntered', entered('AwaitStopped'));
    expect(model.state().writeStop).toBeNull();
    at(20, 'TaskStateExited', exited('AwaitStopped', { Payload: { stoppedAt: new Date(START + 15_000) } }));
    wait(1);
    expect(model.state().writeStop).toEqual({ seconds: 6, deadlineSeconds: null, over: false });
    at(30, 'TaskStateEntered', entered('RunMigrator'));
    const parameters = JSON.stringify({ Payload: { deadline: new Date(START + 915_000) } });
    at(30, 'TaskScheduled', { taskScheduledEventDetails: { parameters } });
    expect(model.state().writeStop).toEqual({ seconds: 15, deadlineSeconds: 900, over: false });
    at(31, 'ExecutionAborted');

    at(40, 'ExecutionStarted', {}, 'restore');
    at(41, 'TaskStateEntered', entered('HealthCheckOldRelay'), 'restore');
    at(60, 'TaskStateExited', exited('HealthCheckOldRelay'), 'restore');
    at(70, 'TaskStateEntered', entered('HealthCheckNewRelay'), 'restore');
    at(80, 'TaskStateExited', exited('HealthCheckNewRelay'), 'restore');
    wait(9);
    expect(model.state().writeStop).toEqual({ seconds: 45, deadlineSeconds: 900, over: true });
  });

  it('knows the deadline of the write stop as soon as a state assigns it, and begins anew after a relay has served', () => {
    const { model, at } = scene();
    const stoppedAt = (seconds: number) => ({ Payload: { stoppedAt: new Date(START + seconds * 1000) } });
    at(0, 'ExecutionStarted');
    at(0, 'TaskStateEntered', entered('AwaitStopped'));
    at(1, 'TaskStateExited', exited('AwaitStopped', stoppedAt(1)));
    at(1, 'TaskStateEntered', entered('ConfirmStopped'));
    const assignedVariables = { deadline: JSON.stringify(new Date(START + 601_000)) };
    const { stateExitedEventDetails } = exited('ConfirmStopped', stoppedAt(9));
    at(10, 'TaskStateExited', { stateExitedEventDetails: { ...stateExitedEventDetails, assignedVariables } });
    expect(model.state().writeStop).toEqual({ seconds: 9, deadlineSeconds: 600, over: false });
    at(20, 'TaskStateEntered', entered('HealthCheckNewRelay'));
    at(21, 'TaskStateExited', exited('HealthCheckNewRelay'));
    expect(model.state().writeStop).toEqual({ seconds: 20, deadlineSeconds: 600, over: true });
    at(30, 'TaskStateEntered', entered('AwaitRelaysStopped'));
    at(35, 'TaskStateExited', exited('AwaitRelaysStopped', stoppedAt(33)));
    expect(model.state().writeStop).toEqual({ seconds: 2, deadlineSeconds: null, over: false });
  });

  it('does not end the write stop with a health check that failed', () => {
    const { model, at } = scene();
    at(0, 'ExecutionStarted');
    at(0, 'TaskStateEntered', entered('ConfirmStopped'));
    at(0, 'TaskStateExited', exited('ConfirmStopped', { Payload: { stoppedAt: new Date(START) } }));
    at(1, 'TaskStateEntered', entered('HealthCheckNewRelay'));
    at(2, 'TaskFailed', failed('HealthCheckFailed'));
    at(2, 'TaskStateExited', exited('HealthCheckNewRelay'));
    expect(model.state().writeStop).toEqual({ seconds: 2, deadlineSeconds: null, over: false });
  });

  it('tells of the state in which an execution stopped, of a redrive, and of another machine', () => {
    const { model, at } = scene();
    at(0, 'ExecutionStarted');
    at(1, 'TaskStateEntered', entered('ScaleDown'));
    at(2, 'TaskFailed', failed('Broken'));
    const stopped = at(2, 'ExecutionFailed', { executionFailedEventDetails: { error: 'Broken' } });
    expect(stopped).toMatchObject([{ kind: 'state', record: { name: 'ScaleDown', seconds: 1, error: 'Broken' } }]);
    expect(model.state().running).toEqual([]);
    expect(at(9, 'ExecutionRedriven', { executionRedrivenEventDetails: { redriveCount: 1 } })).toEqual([
      { kind: 'execution', machine: 'cutover', redriveCount: 1 },
    ]);
    expect(model.state().running.map(({ name }) => name)).toEqual(['ScaleDown']);
    at(10, 'ExecutionAborted');
    expect(at(11, 'ExecutionStarted', {}, 'restore')).toEqual([
      { kind: 'execution', machine: 'restore', redriveCount: 0 },
    ]);
  });

  it('keeps apart two executions of one machine', () => {
    const { model } = scene();
    const event = (id: number, type: string, details: HistoryEventLike = {}) =>
      model.event({ id, previousEventId: id - 1, timestamp: new Date(START), type, ...details });
    event(1, 'ExecutionStarted');
    event(2, 'TaskStateEntered', entered('AwaitStopped'));
    event(3, 'TaskScheduled');
    event(1, 'ExecutionStarted');
    event(2, 'TaskStateEntered', entered('Preflight'));
    expect(event(4, 'TaskStateExited', exited('AwaitStopped'))).toMatchObject([{ record: { name: 'AwaitStopped' } }]);
    expect(model.state().running.map(({ name }) => name)).toEqual(['Preflight']);
  });
});
