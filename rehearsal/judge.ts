import { join } from 'node:path';
import type { ExecutionRecord, RunRecord, TableRecord } from '../report/run-record.ts';
import { statesOf } from '../report/states.ts';
import { SERVING_STATES } from '../report/write-stop.ts';
import type { Json, JsonObject } from '../statemachine/asl.ts';
import { messageIn } from '../statemachine/function-cause.ts';
import type { HistoryEvent } from './interpreter/execution.ts';
import { missingRows } from './source-data.ts';
import type { Stage } from './stage.ts';
import type { StartedExecution } from './step-functions.ts';
import { servedEvents } from './writer.ts';

/** How the execution ended that was asked for, or what `restore` made of it. */
interface Verdict {
  outcome: string;
  sentence: string;
  /** It came to the end that was asked for. */
  isDone: boolean;
}

/**
 * Looks at the world after the executions and says what became of it. Their own word is not enough: the relay that serves
 * now is asked for every event that was ever acknowledged, the old file is compared with the source, and nobody may have
 * written beside another.
 */
export async function judge(stage: Stage, source: RunRecord['source']): Promise<RunRecord> {
  const { world, clock, acknowledged, stepFunctions } = stage;
  // What came before the cutover is told apart: neither its rows nor its time are those of the write stop.
  const started = stepFunctions.started.filter(({ machine }) => machine !== 'prepare');
  const executions = await Promise.all(started.map(executionRecord));
  const preparations = await Promise.all(stepFunctions.ofMachine('prepare').map(executionRecord));
  const history = started.flatMap(({ execution }) => execution.history);
  const sinceRollback = fromRollback(started).flatMap(({ execution }) => execution.history);
  const lastHistory = sinceRollback.length > 0 ? sinceRollback : history;
  const tables = tablesIn(lastHistory, sinceRollback.length > 0 ? 'VerifyReverse' : 'VerifyCounts');
  const { outcome, sentence, isDone } = verdictOf(executions, tables, stage.options.afterwards);
  const serving = servingNow(stage);
  // A relay that does not answer serves none of them.
  const served = await servedEvents(world.endpoint, acknowledged).then(
    ({ size }) => size,
    () => 0,
  );
  const missing = serving.store === 'sqlite' ? await missingInSqlite(stage) : null;
  const objections = [
    source.unchanged ? [] : ['the source directory was changed'],
    outcome === 'Held' || served === acknowledged.length
      ? []
      : [`of ${acknowledged.length} acknowledged events the relay serves only ${served}`],
    missing && Object.values(missing).some((count) => count > 0)
      ? [`the old relay's file lacks rows of the source: ${JSON.stringify(missing)}`]
      : [],
    storeObjections(outcome, serving.store),
    world.writersLog.overlaps,
    outcome === 'Held' ? [] : await authorObjections(stage),
  ].flat();
  return {
    formatVersion: 1,
    startedAt: (history[0]?.timestamp ?? clock.now()).toISOString(),
    finishedAt: (history.at(-1)?.timestamp ?? clock.now()).toISOString(),
    outcome: objections.length > 0 ? 'ChecksFailed' : outcome,
    exitCode: isDone && objections.length === 0 ? 0 : 1,
    sentence: objections.length > 0 ? `Not as it should be: ${objections.join('; ')}.` : sentence,
    faults: stage.options.faults.map(({ name }) => name),
    source,
    target: stage.target.description,
    states: started.flatMap(({ execution }) => statesOf(execution.history)),
    tables,
    writeStop: writeStop(lastHistory, clock.now()),
    published: { acknowledged: acknowledged.length, served },
    serving,
    missingRows: missing,
    executions,
    preparations,
  };
}

async function executionRecord({ machine, execution }: StartedExecution): Promise<ExecutionRecord> {
  const { status, output, error, cause } = await execution.done;
  return {
    machine,
    name: execution.name,
    status,
    redrives: execution.redriveCount,
    output: output ?? null,
    error: error ?? null,
    cause: cause ?? null,
    history: JSON.parse(JSON.stringify(execution.history)) as Json,
  };
}

/** The operator's rollback, and whatever it set off. */
function fromRollback<One extends { machine: string }>(executions: One[]): One[] {
  const first = executions.findIndex(({ machine }) => machine === 'rollback');
  return first < 0 ? [] : executions.slice(first);
}

/** The cutover, or the rollback after it, is what was asked for; what the rule started may have gone on in its place. */
function verdictOf(all: ExecutionRecord[], tables: TableRecord[], afterwards: string): Verdict {
  const back = fromRollback(all);
  const executions = back.length > 0 ? back : all;
  const [asked, ...others] = executions as [ExecutionRecord, ...ExecutionRecord[]];
  if (asked.status === 'SUCCEEDED' && back.length > 0) {
    return { outcome: 'RolledBack', sentence: String((asked.output as JsonObject).sentence), isDone: true };
  }
  const finalized = all.find(({ machine }) => machine === 'finalize')?.output as JsonObject | undefined;
  if (finalized) {
    const { files } = finalized.archive as { files: object[] };
    return {
      outcome: 'FinalizeComplete',
      sentence: `The relay serves from PostgreSQL; ${files.length} file(s) of SQLite are archived and read back, and the file system is out of the stack.`,
      isDone: true,
    };
  }
  if (asked.status === 'SUCCEEDED') {
    const rows = tables.reduce((sum, table) => sum + (table.target?.rows ?? 0), 0);
    const kept = tables.reduce((sum, table) => sum + (table.quarantined?.rows ?? 0), 0);
    return {
      outcome: 'CutoverComplete',
      sentence: `The relay serves from PostgreSQL: ${rows.toLocaleString('en-US')} rows in ${tables.length} tables were compared one by one and are equal${kept > 0 ? `; ${kept.toLocaleString('en-US')} rows of SQLite are in quarantine` : ''}.`,
      isDone: afterwards !== 'rollback' && afterwards !== 'finalize',
    };
  }
  const restored = others
    .map(({ output }) => output as JsonObject | null)
    .find((output) => output?.outcome === 'Restored');
  if (restored) return { outcome: 'Restored', sentence: String(restored.sentence), isDone: false };
  const standing = executions.find(({ error }) => error === 'HeldForOperator') ?? asked;
  return {
    outcome: standing.error === 'HeldForOperator' ? 'Held' : (standing.error ?? standing.status),
    sentence: messageIn(standing.cause ?? undefined) ?? `The execution ended as ${standing.status}.`,
    isDone: false,
  };
}

function missingInSqlite({ directories }: Stage): Promise<Record<string, number>> {
  return missingRows(join(directories.source, 'db'), join(directories.efs, 'db'), directories.scratch);
}

/** What the author has written and not taken back has to be there, what was taken back has not, and the last note is found by its text. */
async function authorObjections({ author, world }: Stage): Promise<string[]> {
  if (author === undefined) return [];
  try {
    const kept = await servedEvents(world.endpoint, author.kept);
    const gone = await servedEvents(world.endpoint, author.gone);
    const found = author.lastNote === undefined ? [] : await author.findByText();
    return [
      kept.size === author.kept.length
        ? []
        : [`of ${author.kept.length} events of the author the relay serves ${kept.size}`],
      gone.size === 0 ? [] : [`the relay serves ${gone.size} event(s) that were deleted or replaced`],
      author.lastNote === undefined || found.includes(author.lastNote.id)
        ? []
        : ['the relay does not find the last note by its text'],
    ].flat();
  } catch (error) {
    return [`the relay could not be asked for the author's events: ${(error as Error).message}`];
  }
}

function storeObjections(outcome: string, store: RunRecord['serving']['store']): string[] {
  if (['CutoverComplete', 'FinalizeComplete'].includes(outcome) && store !== 'postgres')
    return ['the execution says complete, but no relay serves from PostgreSQL'];
  if ((outcome === 'RolledBack' || outcome === 'Restored') && store !== 'sqlite')
    return ['the old relay is said to serve again, but no relay serves from SQLite'];
  return [];
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

/** The verdicts as the Map state put them out the last time. */
function tablesIn(history: HistoryEvent[], map: string): TableRecord[] {
  const variables = history.flatMap(({ stateExitedEventDetails }) =>
    stateExitedEventDetails?.name === map ? [stateExitedEventDetails.output ?? '[]'] : [],
  );
  return JSON.parse(variables.at(-1) ?? '[]') as TableRecord[];
}

/** From the moment at which the last old relay had stopped the first time, to the first relay that answered afterwards. */
function writeStop(history: HistoryEvent[], now: Date): RunRecord['writeStop'] {
  const exits = history.flatMap(({ stateExitedEventDetails: exit, timestamp }) =>
    exit?.name && timestamp ? [{ name: exit.name, output: exit.output, timestamp }] : [],
  );
  const stopped = exits.find(({ name }) => name === 'AwaitStopped' || name === 'AwaitRelaysStopped');
  if (!stopped) return null;
  const healthy = exits.find(({ name }) => SERVING_STATES.includes(name));
  const until = healthy?.timestamp ?? now;
  const from =
    (JSON.parse(stopped.output ?? '{}') as { Payload?: { stoppedAt?: string } }).Payload?.stoppedAt ??
    stopped.timestamp.toISOString();
  return { from, until: until.toISOString(), seconds: (until.getTime() - Date.parse(from)) / 1000 };
}
