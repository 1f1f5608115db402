import { z } from 'zod';

/** ISO 8601, of the clock of Step Functions. */
const time = z.string();
const digest = z.strictObject({
  rows: z.number().int(),
  digest: z.string().describe('256 bits as hexadecimal digits, whatever the order of the rows.'),
});

const stepSchema = z.strictObject({ step: z.string(), seconds: z.number() });

const writeStopSchema = z.strictObject({
  from: time.describe('When the last task of the relay had stopped.'),
  until: time.nullable().describe('When a relay served again; null while none does.'),
  seconds: z.number().describe('Up to the end, or to the last thing that is known.'),
  steps: z.array(stepSchema).describe('What the time went into, in the order in which it came to its end.'),
});

const tableSchema = z.strictObject({
  machine: z.string(),
  table: z.string(),
  verdict: z.string().describe('verified, mismatch, unknown, or "not verified" where it did not come to that.'),
  source: digest.nullable(),
  target: digest.nullable(),
  bytes: z
    .number()
    .int()
    .nullable()
    .describe("The source's rows as PostgreSQL's binary COPY has them; null where it was not counted."),
  quarantined: digest.nullable().describe('Rows of the source that were kept out of the target.'),
  findings: z.array(z.string()),
});

const visitSchema = z.strictObject({
  name: z.string(),
  type: z.string().describe('Task, Choice, Map ...'),
  within: z.string().nullable().describe('The Map in which it stands.'),
  waits: z
    .boolean()
    .describe('It only waits: for a time, for an answer, or for something that is not there at the first look.'),
  iterations: z.number().int().describe('How many times at once, for the states of a Map; else 1.'),
  enteredAt: time,
  seconds: z.number().nullable().describe('Null for a state that was not left.'),
  stays: z
    .array(z.strictObject({ run: z.number().int(), from: time, until: time }))
    .describe('Its time, apart for each run: a redrive goes on in the state where the execution stopped.'),
  retries: z.number().int(),
  triedAgain: z
    .array(z.strictObject({ at: time, error: z.string() }))
    .describe('When a try failed that another one followed; the error NotYet means that it only waited.'),
  error: z.string().nullable().describe('The error with which it was left, or at which the execution stopped.'),
});

const graphSchema = z.strictObject({
  startAt: z.string(),
  states: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      comment: z.string(),
      visits: z.number().int(),
      failed: z.boolean(),
    }),
  ),
  ways: z.array(
    z.strictObject({
      from: z.string(),
      to: z.string(),
      kind: z.enum(['next', 'choice', 'failure']),
      taken: z.boolean(),
    }),
  ),
});

const executionSchema = z.strictObject({
  machine: z.string(),
  name: z.string(),
  arn: z.string(),
  status: z.string(),
  error: z.string().nullable(),
  cause: z.string().nullable(),
  startedAt: time,
  stoppedAt: time.nullable(),
  redrives: z.number().int(),
  runs: z
    .array(z.strictObject({ from: time, until: time, ending: z.string().nullable() }))
    .describe('The first run, and one for each redrive.'),
  visits: z.array(visitSchema),
  graph: graphSchema.nullable().describe('Null where the definition is not known any more.'),
});

const actSchema = z.strictObject({
  at: time,
  machine: z.string(),
  act: z.enum(['started', 'approved', 'rejected', 'redriven', 'stopped']),
  by: z.string().nullable().describe('In their own words; null where the history does not say.'),
  remark: z.string().nullable(),
});

const throughputSchema = z.strictObject({
  from: z.enum(['log', 'runs']).describe("The migrator's lines about rows, or the rows and seconds of each whole run."),
  runs: z.array(
    z.strictObject({
      title: z.string(),
      rows: z.number().int(),
      seconds: z.number(),
      points: z
        .array(z.strictObject({ seconds: z.number(), rowsPerSecond: z.number() }))
        .describe('From that second of the run on, until the next point; none where only the whole run is known.'),
    }),
  ),
});

const sampleCheckSchema = z.strictObject({
  at: time,
  machine: z.string(),
  state: z.string(),
  verdict: z.enum(['passed', 'failed', 'not answered']),
  events: z.array(
    z.strictObject({
      id: z.string(),
      answered: z.boolean().nullable().describe('Null where the history does not say it of this one.'),
    }),
  ),
});

const templateChangeSchema = z.strictObject({
  at: time,
  machine: z.string(),
  purpose: z.string(),
  edits: z.array(z.string()),
  diff: z.array(z.string()).nullable().describe('Changed lines alone; null where the history has none.'),
  note: z.string().nullable().describe('Why the diff is not all of it.'),
  outcome: z.enum(['executed', 'empty', 'refused', 'proposed', 'failed']),
  resources: z.array(
    z.strictObject({
      logicalId: z.string(),
      action: z.string(),
      replacement: z.string(),
      properties: z.array(z.string()),
    }),
  ),
});

export const reportSchema = z.strictObject({
  formatVersion: z.literal(1),
  verdict: z.strictObject({
    standing: z
      .enum(['done', 'back', 'held', 'running', 'stopped', 'failed'])
      .describe('done: what was asked for; back: the old relay serves again; held: it waits for an operator.'),
    outcome: z.string(),
    sentence: z.string(),
    next: z.array(z.string()).describe('What is to be done next, one sentence each.'),
  }),
  startedAt: time,
  stoppedAt: time.nullable(),
  writeStops: z.array(writeStopSchema),
  tables: z.array(tableSchema),
  excluded: z.array(z.strictObject({ table: z.string(), rows: z.number().nullable() })),
  executions: z.array(executionSchema).describe('Oldest first.'),
  acts: z.array(actSchema).describe('What people did, as far as the history says it.'),
  throughput: throughputSchema,
  sampleChecks: z.array(sampleCheckSchema),
  templateChanges: z.array(templateChangeSchema),
});

export type Report = z.output<typeof reportSchema>;
export type ReportedExecution = Report['executions'][number];
export type ReportedVisit = ReportedExecution['visits'][number];
export type ReportedGraph = NonNullable<ReportedExecution['graph']>;
export type ReportedTable = Report['tables'][number];
export type ReportedWriteStop = Report['writeStops'][number];
export type Act = Report['acts'][number];
export type Throughput = Report['throughput'];
export type SampleCheck = Report['sampleChecks'][number];
export type TemplateChange = Report['templateChanges'][number];
export type Verdict = Report['verdict'];

/** The published schema of the JSON form: docs/report.schema.json. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(reportSchema);
}
