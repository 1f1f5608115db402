import { randomBytes } from 'node:crypto';
import { rehearse } from '../../rehearsal/rehearse.ts';
import type { RunRecord } from '../../report/run-record.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { freshDatabase } from './postgres.ts';

export const RELAY_SECRET = randomBytes(32).toString('hex');

export interface Rehearsed {
  record: RunRecord;
  /** Everything that was said: steps, logs, history. */
  said: string;
  url: string;
  password: string;
}

/** A rehearsal on the test run's PostgreSQL, with a role of its own, since roles belong to the whole server. */
export async function rehearsed(faultName?: string): Promise<Rehearsed> {
  const database = await freshDatabase();
  const said: string[] = [];
  const record = await rehearse({
    settings: parseSettings({ verifierRole: `verifier_${randomBytes(4).toString('hex')}` }),
    parameters: { RelaySecretKey: RELAY_SECRET },
    databaseUrl: database.url,
    ...(faultName !== undefined && { faultName }),
    publish: 4,
    speed: 1_000,
    signal: new AbortController().signal,
    observer: {
      step: (text) => said.push(text),
      log: (container, line) => said.push(`${container} ${line}`),
      event: (event) => said.push(JSON.stringify(event)),
    },
  });
  return { record, said: said.join('\n'), url: database.url, password: database.password };
}
