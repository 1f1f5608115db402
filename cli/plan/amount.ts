import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { readHistory } from '../../report/execution-audit.ts';
import type { DeployedStack } from '../cloud.ts';
import { newestExecutions } from '../find-execution.ts';
import type { CheckResult, Known } from './checks.ts';

/** What the newest load of `prepare` has brought over: as much, about, as a cutover will compare. */
export interface NewestLoad {
  /** Name of the execution. */
  execution: string;
  /** ISO 8601. */
  loadedAt: string;
  /** How long the load took. */
  seconds: number;
  rows: number;
  tables: { table: string; rows: number }[];
}

/** A load may be older than an execution or two that did not come as far. */
const EXECUTIONS_MAX = 10;

const DAY_MILLISECONDS = 86_400_000;

/** The state of `prepare` that reads the manifest of the load. */
const READING_STATE = 'ReadLoad';

/**
 * Finds the newest load in the histories of `prepare`.
 *
 * @returns null where none has loaded yet
 * @throws what the client throws
 */
export async function readNewestLoad(
  client: Pick<SFNClient, 'send'>,
  deployed: DeployedStack,
  stackName: string,
): Promise<NewestLoad | null> {
  for (const { arn, name } of await newestExecutions(client, deployed, stackName, ['prepare'], EXECUTIONS_MAX)) {
    const events = await readHistory(client, arn);
    const load = events.findLast(({ stateExitedEventDetails: exited }) => exited?.name === READING_STATE);
    const found = load && loadIn(load, name);
    if (found) return found;
  }
  return null;
}

/**
 * The cutover itself asks the target for its newest verified load; from here the histories tell it.
 *
 * @param ageDaysMax the setting `loadAgeDaysMax`
 */
export function loadCheck(load: Known<NewestLoad | null>, ageDaysMax: number, now: Date): CheckResult {
  const title = `prepare has loaded the rows, no more than ${ageDaysMax} days ago`;
  if ('unknown' in load) return { title, status: 'unknown', says: load.unknown };
  const failed = (says: string): CheckResult => ({ title, status: 'failed', says });
  if (load.value === null) return failed('No load of prepare is known. Run prepare first, while the relay is live.');
  const { loadedAt, execution } = load.value;
  if (now.getTime() - Date.parse(loadedAt) < ageDaysMax * DAY_MILLISECONDS) {
    return { title, status: 'passed', says: null };
  }
  return failed(
    `The newest load, that of ${execution}, is of ${loadedAt}, and what has changed since would make the write stop long. Run prepare again, while the relay is live.`,
  );
}

/** A load that was not read ends the state too, by its Catch, and has no tables. */
function loadIn({ timestamp, stateExitedEventDetails: exited }: HistoryEvent, execution: string): NewestLoad | null {
  const output = JSON.parse(exited?.output ?? 'null') as { Payload?: Partial<NewestLoad> } | null;
  const { tables, seconds } = output?.Payload ?? {};
  if (tables === undefined || seconds === undefined) return null;
  return {
    execution,
    loadedAt: (timestamp ?? new Date(0)).toISOString(),
    seconds,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    tables: tables.map(({ table, rows }) => ({ table, rows })),
  };
}
