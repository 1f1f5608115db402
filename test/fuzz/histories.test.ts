import type { HistoryEvent } from '@aws-sdk/client-sfn';
import fc from 'fast-check';
import pc from 'picocolors';
import { afterAll, describe, expect, it } from 'vitest';
import { announcementLine, migratorLines } from '../../cli/execution-lines.ts';
import { historyLines } from '../../cli/history.ts';
import { createJsonView } from '../../cli/json-view.ts';
import { liveBlock } from '../../cli/live-block.ts';
import { isPrintable } from '../../migrator/printable.ts';
import type { ExecutionAudit } from '../../report/execution-audit.ts';
import { LiveModel } from '../../report/live-state.ts';
import { page } from '../../report/page.ts';
import { reportOf } from '../../report/report.ts';
import { reportSchema } from '../../report/report-schema.ts';
import { storedReportKeys } from '../../report/stored-report.ts';
import type { Json } from '../../statemachine/asl.ts';
import { cases, deepList, hostileJson, hostileText } from '../support/fuzz.ts';

const tried = { histories: 0, events: 0, lines: 0, logLines: 0 };
const colors = pc.createColors(false);

const STATES = [
  'TakeLock',
  'Preflight',
  'AskApproval',
  'ScaleDown',
  'RunMigrator',
  'ReadManifest',
  'VerifyCounts',
  'VerifyTable',
  'HealthCheckNewRelay',
  'CutoverComplete',
  'RolledBack',
];
const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...STATES) }, { weight: 1, arbitrary: hostileText });
const payload = fc.record(
  {
    table: hostileJson,
    verdict: hostileJson,
    findings: hostileJson,
    source: hostileJson,
    target: hostileJson,
    tables: hostileJson,
    diff: hostileJson,
    note: hostileJson,
    samples: hostileJson,
    checked: hostileJson,
    missing: hostileJson,
    stoppedAt: hostileJson,
    changeSet: hostileJson,
    outcome: hostileJson,
    by: hostileJson,
    at: hostileJson,
    quarantined: hostileJson,
    excluded: hostileJson,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  payload.map((Payload) => JSON.stringify({ Payload })),
  fc.array(payload, { maxLength: 3 }).map((all) => JSON.stringify(all)),
  hostileJson.map((value) => JSON.stringify(value) ?? 'null'),
  hostileText,
  fc.constantFrom(deepList(3_000), '{"Payload":{"tables":[null]}}', '{"Payload":null}'),
);
const variables = fc.dictionary(fc.constantFrom('writeStop', 'verdicts', 'failure', 'plan', 'x'), body, { maxKeys: 3 });
const failure = fc.record({ error: hostileText, cause: fc.oneof(hostileText, body) }, { requiredKeys: [] });
const details = fc.record(
  {
    stateEnteredEventDetails: fc.record({ name, input: body }, { requiredKeys: ['name'] }),
    stateExitedEventDetails: fc.record(
      { name, output: body, assignedVariables: variables },
      { requiredKeys: ['name'] },
    ),
    taskScheduledEventDetails: fc.record({
      resource: fc.constantFrom('invoke', 'invoke.waitForTaskToken', 'runTask.sync'),
      parameters: body,
    }),
    taskSucceededEventDetails: fc.record({ output: body }, { requiredKeys: [] }),
    taskFailedEventDetails: failure,
    taskSubmittedEventDetails: fc.record(
      { resourceType: fc.constantFrom('ecs', 'lambda'), output: body },
      { requiredKeys: [] },
    ),
    mapStateStartedEventDetails: fc.record({ length: fc.nat(3) }),
    mapIterationStartedEventDetails: fc.record({ name, index: fc.nat(3) }),
    executionFailedEventDetails: failure,
    executionRedrivenEventDetails: fc.record({ redriveCount: fc.nat(3) }),
  },
  { requiredKeys: [] },
);
const type = fc.constantFrom(
  ...[
    'ExecutionStarted',
    'ExecutionRedriven',
    'ExecutionSucceeded',
    'ExecutionFailed',
    'ExecutionAborted',
    'ExecutionTimedOut',
  ],
  ...[
    'TaskStateEntered',
    'TaskStateExited',
    'TaskScheduled',
    'TaskSubmitted',
    'TaskSucceeded',
    'TaskFailed',
    'TaskTimedOut',
  ],
  ...[
    'MapStateEntered',
    'MapStateStarted',
    'MapIterationStarted',
    'MapIterationSucceeded',
    'MapIterationFailed',
    'MapStateSucceeded',
  ],
  ...['MapStateExited', 'ChoiceStateEntered', 'PassStateEntered', 'FailStateEntered', 'EvaluationFailed', 'Unheard'],
);
const history: fc.Arbitrary<HistoryEvent[]> = fc
  .array(fc.record({ type, details, back: fc.nat(4), after: fc.nat(100_000) }), { minLength: 4, maxLength: 25 })
  .map((events) =>
    events.map(
      ({ type, details, back, after }, place) =>
        ({
          id: place + 1,
          previousEventId: Math.max(0, place - back),
          timestamp: new Date(1_800_000_000_000 + after * place),
          type,
          ...details,
        }) as HistoryEvent,
    ),
  );
const text = fc.oneof(hostileText, fc.constant(null));
const audit: fc.Arbitrary<ExecutionAudit> = fc.record({
  machine: fc.oneof(fc.constantFrom('prepare', 'cutover', 'restore', 'rollback', 'finalize'), hostileText),
  arn: hostileText,
  name: hostileText,
  status: fc.constantFrom('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'),
  startedAt: fc.constant('2026-11-28T12:00:00.000Z'),
  stoppedAt: fc.constantFrom(null, '2026-11-28T13:00:00.000Z'),
  redrives: fc.nat(3),
  input: hostileJson.map((value) => value as Json),
  output: fc.oneof(hostileJson, payload).map((value) => value as Json),
  error: text,
  cause: text,
  history,
  definition: fc.constant(null),
}) as fc.Arbitrary<ExecutionAudit>;

/** No tag, no attribute and no character that is not the page's own. */
function assertPlain(html: string): void {
  expect(html).not.toMatch(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  const [before = '', style = '', after = ''] = html.split(/<\/?style>/);
  expect(html.split(/<\/?style>/)).toHaveLength(3);
  expect(style).not.toContain('<');
  const tags = `${before}${after}`.match(/<[^>]*>/g) ?? [];
  const forms = tags.map((tag) => tag.replace(/"[^"<>]*"/g, '""'));
  // A text that had come out of its place would bring a quote, a handler, or an element that no page of ours has.
  expect(forms.filter((form) => !/^<(!doctype html|\/?[a-z][a-z0-9]*( [a-zA-Z:-]+(="")?)*\/?)>$/.test(form))).toEqual(
    [],
  );
  expect(forms.filter((form) => /^<\/?(script|img|iframe|object|embed|form|base)\b| on[a-z]+=/.test(form))).toEqual([]);
  expect(tags.filter((tag) => /href="(?!#|data:,")/.test(tag))).toEqual([]);
  expect(html).toContain('content="default-src &#39;none&#39;; style-src &#39;sha256-');
}

describe('a history of anything', () => {
  it('makes a report of the published form, and a page on which every text is text', () => {
    const property = fc.property(
      fc.array(audit, { minLength: 1, maxLength: 2 }),
      fc.array(body, { maxLength: 3 }),
      (audits, migratorLines) => {
        tried.histories += 1;
        tried.events += audits.reduce((sum, one) => sum + one.history.length, 0);
        const report = reportOf(audits, { migratorLines });
        expect(reportSchema.safeParse(JSON.parse(JSON.stringify(report))).error).toBeUndefined();
        assertPlain(page(report));
      },
    );
    fc.assert(property, cases(60));
  });

  it('makes lines that a terminal only shows, and JSON that is one line', () => {
    const property = fc.property(audit, fc.array(body, { maxLength: 5 }), (one, log) => {
      tried.histories += 1;
      const lines = historyLines(one, 80, colors);
      const model = new LiveModel(() => 0);
      for (const event of one.history)
        for (const announcement of model.event(event, one.machine))
          lines.push(announcementLine(announcement, { columns: 80, colors, beginning: 'begins' }));
      const json: string[] = [];
      const view = createJsonView((line) => json.push(line));
      for (const event of one.history) view.event(event, one.machine);
      for (const line of log) {
        tried.logLines += 1;
        const word = model.log('migrate', line);
        if (word) lines.push(...migratorLines(word));
        view.log('migrate', line);
      }
      lines.push(...liveBlock(model.state(), { columns: 80, frame: 0, colors }));
      tried.lines += lines.length + json.length;
      expect([...lines, ...json].filter((line) => !isPrintable(line))).toEqual([]);
      for (const line of json) JSON.parse(line);
    });
    fc.assert(property, cases(60));
  });

  it.each([
    '{"event":"message","text":{"toString":1}}',
    `{"event":"message","text":${deepList(3_000)}}`,
    '{"event":"result","message":{"toString":1,"valueOf":1}}',
    '{"event":"rows","verb":[[]],"table":{"toString":1}}',
  ])('outlives the line %.60s of a log', (line) => {
    const word = new LiveModel(() => 0).log('migrate', line);
    expect(word && migratorLines(word).every(isPrintable)).not.toBe(false);
  });

  it('may begin twice without having ended', () => {
    const events = ['ExecutionStarted', 'TaskStateEntered', 'ExecutionStarted'].map((type, place) => ({
      ...{ id: place + 1, previousEventId: place, timestamp: new Date(place), type },
      ...(type === 'TaskStateEntered' && { stateEnteredEventDetails: { name: 'TakeLock' } }),
    })) as HistoryEvent[];
    const [one] = fc.sample(audit, { numRuns: 1, seed: 1 }) as [ExecutionAudit];
    expect(reportOf([{ ...one, history: events }]).executions[0]?.visits[0]?.stays).toHaveLength(2);
  });

  it('may tell of a health check that asked for nothing that is an event', () => {
    const events = [
      { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'HealthCheckNewRelay' } },
      {
        type: 'TaskScheduled',
        taskScheduledEventDetails: { resource: 'invoke', parameters: '{"Payload":{"samples":[null]}}' },
      },
    ].map((event, place) => ({
      ...{ id: place + 1, previousEventId: place, timestamp: new Date(place) },
      ...event,
    })) as HistoryEvent[];
    const [one] = fc.sample(audit, { numRuns: 1, seed: 1 }) as [ExecutionAudit];
    expect(reportOf([{ ...one, history: events }]).sampleChecks).toMatchObject([{ events: [{ id: 'undefined' }] }]);
  });

  it('is stored under keys of its own name alone', () => {
    expect(storedReportKeys('relay', 'cutover', 'c1').page).toMatch(/^[\w/.-]+$/);
  });
});

afterAll(() => console.log(`fuzz: ${JSON.stringify(tried)}`));
