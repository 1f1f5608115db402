import { readFileSync } from 'node:fs';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import type { ExecutionAudit } from '../../report/execution-audit.ts';
import { page } from '../../report/page.ts';
import { reportOf } from '../../report/report.ts';
import { reportJsonSchema, reportSchema } from '../../report/report-schema.ts';

const START = Date.parse('2026-11-28T12:00:00Z');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const EXECUTION = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:c1';

/** A history in few words: what happens, and after how many seconds. */
function history(...events: [seconds: number, type: string, details?: object][]): HistoryEvent[] {
  return events.map(([seconds, type, details], place) => ({
    id: place + 1,
    previousEventId: place,
    timestamp: new Date(START + seconds * 1000),
    type: type as NonNullable<HistoryEvent['type']>,
    ...details,
  }));
}

const entered = (name: string) => ({ stateEnteredEventDetails: { name, input: '{}' } });
const exited = (name: string, output = '{}', assignedVariables = {}) => ({
  stateExitedEventDetails: { name, output, assignedVariables },
});
const asked = (Payload: object, resource = 'invoke') => ({
  taskScheduledEventDetails: { resource, parameters: JSON.stringify({ Payload }) },
});
const answered = (Payload: object) => ({ taskSucceededEventDetails: { output: JSON.stringify({ Payload }) } });
const failed = (error: string, cause = '') => ({ taskFailedEventDetails: { error, cause } });

function audit(given: Partial<ExecutionAudit>): ExecutionAudit {
  return {
    ...{ machine: 'cutover', arn: EXECUTION, name: 'c1', status: 'SUCCEEDED', redrives: 0 },
    ...{ startedAt: at(0), stoppedAt: at(100), input: {}, output: null, error: null, cause: null },
    ...{ history: [], definition: null },
    ...given,
  };
}

const STATES = history(
  [0, 'ExecutionStarted'],
  [0, 'TaskStateEntered', entered('TakeLock')],
  [1, 'TaskStateExited', exited('TakeLock')],
  [1, 'TaskStateEntered', entered('ScaleDown')],
);

describe('the verdict of a report', () => {
  const verdict = (given: Partial<ExecutionAudit>) => reportOf([audit({ history: STATES, ...given })]).verdict;

  it('is never a success while the execution runs', () => {
    expect(verdict({ status: 'RUNNING', stoppedAt: null, output: { outcome: 'CutoverComplete' } })).toEqual({
      standing: 'running',
      outcome: 'RUNNING',
      next: [],
      sentence: `The machine cutover is still running: it has been at ScaleDown since ${at(1)}. How it ends is not known yet.`,
    });
  });

  it('says what a held execution waits for, without the words around the message', () => {
    const cause = JSON.stringify({ errorType: 'HeldForOperator', errorMessage: 'ScaleDown failed. Redrive it.' });
    expect(verdict({ status: 'FAILED', error: 'HeldForOperator', cause })).toEqual({
      standing: 'held',
      outcome: 'HeldForOperator',
      sentence: 'ScaleDown failed. Redrive it.',
      next: [
        'Remove the cause, then: relay-cutover redrive c1. Or give it up: relay-cutover restore',
        'docs/recovery.md says for every state what its failure leaves behind.',
      ],
    });
  });

  it('of an execution that was stopped names the state, and what tells how it went on', () => {
    expect(verdict({ status: 'ABORTED', error: 'ByHand', cause: 'pressed Stop' })).toEqual({
      standing: 'stopped',
      outcome: 'ByHand',
      sentence: 'The machine cutover was stopped at ScaleDown (ByHand: pressed Stop).',
      next: [
        'It ended without an ending of its own: the machine restore sees to it that a relay serves. Follow it by: relay-cutover watch restore',
      ],
    });
  });

  it('is that of the execution that went on, unless it had nothing to do', () => {
    const stopped = audit({ history: STATES, status: 'ABORTED', stoppedAt: at(5) });
    const restore = (output: ExecutionAudit['output']) => audit({ machine: 'restore', startedAt: at(6), output });
    const restored = restore({ outcome: 'Restored', sentence: 'The old relay serves again.' });
    expect(reportOf([restored, stopped]).verdict).toEqual({
      standing: 'back',
      outcome: 'Restored',
      sentence: 'The old relay serves again.',
      next: [],
    });
    expect(reportOf([stopped, restore({ outcome: 'NothingToDo' })]).verdict.standing).toBe('stopped');
  });

  it('shows no password of a URL', () => {
    const cause = 'cannot reach postgres://relay:hunter2@db.example/relay';
    const text = JSON.stringify(reportOf([audit({ history: STATES, status: 'FAILED', error: 'Error', cause })]));
    expect(text).toContain('postgres://****@db.example/relay');
    expect(text).not.toContain('hunter2');
  });
});

describe('the states of a report', () => {
  const REDRIVEN = history(
    [0, 'ExecutionStarted'],
    [0, 'TaskStateEntered', entered('ScaleDown')],
    [0, 'TaskScheduled', asked({})],
    [2, 'TaskFailed', failed('Lambda.TooManyRequestsException')],
    [4, 'TaskScheduled', asked({})],
    [5, 'TaskFailed', failed('Error')],
    [5, 'ExecutionFailed', { executionFailedEventDetails: { error: 'Error' } }],
    [65, 'ExecutionRedriven', { executionRedrivenEventDetails: { redriveCount: 1 } }],
    [65, 'TaskScheduled', asked({})],
    [70, 'TaskSucceeded', answered({})],
    [70, 'TaskStateExited', exited('ScaleDown')],
    [70, 'ExecutionSucceeded'],
  );

  it('are told apart for each run, with the tries that failed', () => {
    const [execution] = reportOf([audit({ history: REDRIVEN, redrives: 1 })]).executions;
    expect(execution?.runs).toEqual([
      { from: at(0), until: at(5), ending: 'ExecutionFailed' },
      { from: at(65), until: at(70), ending: 'ExecutionSucceeded' },
    ]);
    expect(execution?.visits).toMatchObject([
      {
        name: 'ScaleDown',
        stays: [
          { run: 0, from: at(0), until: at(5) },
          { run: 1, from: at(65), until: at(70) },
        ],
        triedAgain: [
          { at: at(2), error: 'Lambda.TooManyRequestsException' },
          { at: at(5), error: 'Error' },
        ],
        error: null,
      },
    ]);
  });

  it('tell of redrives, of the comment of the start, and of an answer with its giver', () => {
    const events = history(
      [0, 'ExecutionStarted'],
      [0, 'TaskStateEntered', entered('AskApproval')],
      [0, 'TaskScheduled', asked({}, 'invoke.waitForTaskToken')],
      [9, 'TaskSucceeded'],
      [9, 'TaskStateExited', exited('AskApproval', JSON.stringify({ by: 'Ada', at: at(8) }))],
    );
    const { acts, executions } = reportOf([audit({ history: events, input: { comment: 'for #12' } })]);
    expect(acts).toEqual([
      { at: at(0), machine: 'cutover', act: 'started', by: null, remark: 'for #12' },
      { at: at(8), machine: 'cutover', act: 'approved', by: 'Ada', remark: null },
    ]);
    expect(executions[0]?.visits[0]?.waits).toBe(true);
    expect(reportOf([audit({ history: REDRIVEN })]).acts.map(({ act }) => act)).toEqual(['started', 'redriven']);
  });
});

describe('the write stop of a report', () => {
  const stop = (from: number, until: number | null, ...steps: [string, number][]): string =>
    JSON.stringify({
      from: at(from),
      until: until === null ? null : at(until),
      steps: steps.map(([step, end]) => ({ step, at: at(end) })),
    });
  const withStop = (...values: [seconds: number, writeStop: string][]): HistoryEvent[] =>
    history(
      [0, 'ExecutionStarted'],
      ...values.flatMap(([seconds, writeStop], place): [number, string, object][] => [
        [seconds, 'PassStateEntered', entered(`S${place}`)],
        [seconds, 'PassStateExited', exited(`S${place}`, '{}', { writeStop })],
      ]),
    );

  it('goes on in the execution that brings the old relay back', () => {
    const cutover = audit({ history: withStop([30, stop(10, null, ['second look', 30])]), status: 'ABORTED' });
    const restore = audit({
      ...{ machine: 'restore', startedAt: at(40) },
      history: withStop([70, stop(10, 70, ['template', 50], ['start of the relay', 70])]),
    });
    expect(reportOf([cutover, restore]).writeStops).toEqual([
      {
        ...{ from: at(10), until: at(70), seconds: 60 },
        steps: [
          { step: 'second look', seconds: 20 },
          { step: 'template', seconds: 20 },
          { step: 'start of the relay', seconds: 20 },
        ],
      },
    ]);
  });

  it('is not over while no relay serves, and counts up to the last thing that is known', () => {
    const held = audit({ history: withStop([30, stop(10, null, ['second look', 30])]), status: 'FAILED' });
    expect(reportOf([held]).writeStops).toEqual([
      { from: at(10), until: null, seconds: 20, steps: [{ step: 'second look', seconds: 20 }] },
    ]);
  });
});

describe('the published schema of a report', () => {
  it('is the one that the report has ("npm run docs" writes it)', () => {
    expect(JSON.parse(readFileSync('docs/report.schema.json', 'utf8'))).toEqual(reportJsonSchema());
  });

  it('fits the report of no execution at all, and there is a page of it', () => {
    const report = reportOf([]);
    expect(reportSchema.parse(report)).toEqual(report);
    expect(page(report)).toContain('There is no execution to tell of.');
  });
});
