import { randomBytes } from 'node:crypto';
import type { Fault } from '../../rehearsal/faults.ts';
import { rehearse } from '../../rehearsal/rehearse.ts';
import type { RehearsalOptions, Stage } from '../../rehearsal/stage.ts';
import type { RunRecord } from '../../report/run-record.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { isFull } from './extent.ts';
import { freshDatabase } from './postgres.ts';

export const RELAY_SECRET = randomBytes(32).toString('hex');

export interface Rehearsed {
  record: RunRecord;
  /** Everything that was said: steps, logs, history. */
  said: string;
  /** Who holds the truth at the end. */
  holder: string;
  /** The owner's password; none where PostgreSQL was an embedded one. */
  secrets: string[];
}

interface Wishes {
  faults?: Fault[];
  /** As in cutover.yaml. */
  settings?: Record<string, unknown>;
  options?: Partial<RehearsalOptions>;
  whileItStands?(record: RunRecord, stage: Stage): Promise<void>;
}

/** Waits for what never comes are cut short, also on the clock: each poll costs real time. */
const SHORT_WAITS = { writeStopSecondsMax: 480, startTimeoutSeconds: 150 };

/** Enough for every state to come upon it; to sign, to verify and to index an event is a good part of a rehearsal. */
export const EVENTS_PER_SECOND = isFull ? 10 : 4;

/** A rehearsal on the test run's PostgreSQL, with a role of its own, since roles belong to the whole server. */
export async function rehearsed({
  faults = [],
  settings = {},
  options = {},
  whileItStands,
}: Wishes = {}): Promise<Rehearsed> {
  const said: string[] = [];
  const database = faults.some(({ embeddedOnly }) => embeddedOnly) ? undefined : await freshDatabase();
  const end = { holder: '', secrets: [RELAY_SECRET, ...(database ? [database.password] : [])] };
  const record = await rehearse(
    {
      settings: parseSettings({
        verifierRole: `verifier_${randomBytes(4).toString('hex')}`,
        ...SHORT_WAITS,
        ...settings,
      }),
      parameters: { RelaySecretKey: RELAY_SECRET },
      ...(database && { databaseUrl: database.url }),
      faults,
      publishPerSecond: EVENTS_PER_SECOND,
      onFailure: 'rollback',
      afterwards: 'nothing',
      relayCommands: {},
      speed: 1_000,
      signal: new AbortController().signal,
      observer: {
        step: (text) => said.push(text),
        log: (container, line) => said.push(`${container} ${line}`),
        event: (event, machine) => said.push(`${machine} ${JSON.stringify(event)}`),
      },
      ...options,
    },
    async (judged, stage) => {
      end.holder = (await stage.target.query('SELECT holder FROM cutover.authority')).rows[0]?.holder;
      end.secrets.push(...stage.target.secrets);
      await whileItStands?.(judged, stage);
    },
  );
  return { record, said: said.join('\n'), ...end };
}
