import { join } from 'node:path';
import type { RunRecord, TableRecord } from '../report/run-record.ts';
import { statesOf } from '../report/states.ts';
import type { Json } from '../statemachine/asl.ts';
import type { Fault } from './faults.ts';
import type { ExecutionResult, HistoryEvent } from './interpreter/execution.ts';
import { missingRows } from './source-data.ts';
import type { Stage } from './stage.ts';
import { type AcknowledgedEvent, servedEvents } from './writer.ts';

export interface Ending {
  fault: Fault | null;
  execution: { name: string; history: HistoryEvent[] };
  result: ExecutionResult;
  published: AcknowledgedEvent[];
  source: RunRecord['source'];
}

/**
 * Looks at the world after the execution and says what became of it. The execution's own word is not enough: the relay
 * that serves now is asked for what it acknowledged, and the old file is compared with the source.
 */
export async function judge(stage: Stage, ending: Ending): Promise<RunRecord> {
  const { world, clock } = stage;
  const { result, execution, published, fault, source } = ending;
  const serving = servingNow(stage);
  // A relay that does not answer serves none of them.
  const served = await servedEvents(world.endpoint, published).then(
    ({ size }) => size,
    () => 0,
  );
  const missing =
    serving.store === 'sqlite'
      ? await missingRows(
          join(stage.directories.source, 'db'),
          join(stage.directories.efs, 'db'),
          stage.directories.scratch,
        )
      : null;

  const outcome = result.status === 'SUCCEEDED' ? 'CutoverComplete' : (result.error ?? result.status);
  const objections = [
    source.unchanged ? [] : ['the source directory was changed'],
    outcome === 'StoppedOnTarget' || served === published.length
      ? []
      : [`of ${published.length} acknowledged events the relay serves only ${served}`],
    missing && Object.values(missing).some((count) => count > 0)
      ? [`the old relay's file lacks rows of the source: ${JSON.stringify(missing)}`]
      : [],
    outcome === 'CutoverComplete' && serving.store !== 'postgres'
      ? ['the execution says complete, but no relay serves from PostgreSQL']
      : [],
    outcome === 'RolledBack' && serving.store !== 'sqlite'
      ? ['the execution says rolled back, but no relay serves from SQLite']
      : [],
  ].flat();
  const tables = tablesIn(execution.history);
  return {
    formatVersion: 1,
    startedAt: (execution.history[0]?.timestamp ?? clock.now()).toISOString(),
    finishedAt: (execution.history.at(-1)?.timestamp ?? clock.now()).toISOString(),
    outcome: objections.length > 0 ? 'ChecksFailed' : outcome,
    exitCode: outcome === 'CutoverComplete' && objections.length === 0 ? 0 : 1,
    sentence: sentence(result, tables, objections),
    fault: fault?.name ?? null,
    source,
    target: stage.target.description,
    states: statesOf(execution.history),
    tables,
    writeStop: writeStop(execution.history, clock.now()),
    published: { acknowledged: published.length, served },
    serving,
    missingRows: missing,
    execution: {
      name: execution.name,
      status: result.status,
      output: result.output ?? null,
      history: JSON.parse(JSON.stringify(execution.history)) as Json,
    },
  };
}

/** What runs now is what counts, not what the template says. */
function servingNow({ options, world }: Stage): RunRecord['serving'] {
  const service = world.cloudFormation.stackResources(options.settings.stackName)[
    options.settings.names.service
  ] as string;
  const task = world.ecs
    .tasks()
    .find(({ group, lastStatus }) => lastStatus === 'RUNNING' && group === `service:${service.split('/').at(-1)}`);
  const image = task ? world.ecs.imageOf(task.taskDefinitionArn) : null;
  if (!image) return { store: 'nothing', image: null };
  return { store: image === options.settings.newImage ? 'postgres' : 'sqlite', image };
}

function sentence(result: ExecutionResult, tables: TableRecord[], objections: string[]): string {
  if (objections.length > 0) return `Not as it should be: ${objections.join('; ')}.`;
  if (result.status !== 'SUCCEEDED') return result.cause ?? `The execution ended as ${result.status}.`;
  const rows = tables.reduce((sum, table) => sum + (table.target?.rows ?? 0), 0);
  return `The relay serves from PostgreSQL: ${rows.toLocaleString('en-US')} rows in ${tables.length} tables were compared one by one and are equal.`;
}

/** The verdicts as the Map state put them out. */
function tablesIn(history: HistoryEvent[]): TableRecord[] {
  const variables = history.flatMap(({ stateExitedEventDetails }) =>
    stateExitedEventDetails?.name === 'VerifyCounts' ? [stateExitedEventDetails.output ?? '[]'] : [],
  );
  return JSON.parse(variables.at(-1) ?? '[]') as TableRecord[];
}

function writeStop(history: HistoryEvent[], now: Date): RunRecord['writeStop'] {
  const exits = new Map(
    history.flatMap(({ stateExitedEventDetails: exit, timestamp }) =>
      exit?.name && timestamp ? [[exit.name, { output: exit.output, timestamp }] as const] : [],
    ),
  );
  const stopped = exits.get('AwaitStopped');
  if (!stopped) return null;
  const until = exits.get('HealthCheckNewRelay')?.timestamp ?? exits.get('HealthCheckOldRelay')?.timestamp ?? now;
  const from =
    (JSON.parse(stopped.output ?? '{}') as { Payload?: { stoppedAt?: string } }).Payload?.stoppedAt ??
    stopped.timestamp.toISOString();
  return { from, until: until.toISOString(), seconds: (until.getTime() - Date.parse(from)) / 1000 };
}
