import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { endRun } from './control-schema.ts';
import { asTargetFailure } from './target.ts';

/** Records how a pass failed before the error goes on; when the connection is gone, the run stays `running`, which is never taken for complete. */
export async function recorded<T>(client: pg.Client, runId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const failure = asTargetFailure(error, 'PostgreSQL refused') as Error;
    await failRun(client, runId, failure).catch(() => {});
    throw failure;
  }
}

/** Ends a run as refused or failed, with the failure's words. */
export function failRun(client: pg.Client, runId: string, failure: Error): Promise<void> {
  const status = failure instanceof Refused ? 'refused' : 'failed';
  return endRun(client, runId, { status, message: failure.message });
}
