import { expression, type JsonObject, type States } from '../asl.ts';
import { takeLock } from '../lock-states.ts';
import { describeRelay, healthCheck } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { failure, invoke, pollEvery } from '../tasks.ts';

/** An RDS snapshot of a database of this size takes minutes; the first one of an instance copies all of it. */
const SNAPSHOT_TIMEOUT_SECONDS = 3_600;

/**
 * Everything that has to be true before SQLite's file system may go: the relay has served from PostgreSQL for long enough, it
 * is healthy now, and the database can be had back. Nothing is changed here but that a snapshot may be taken.
 */
export function confidenceStates(settings: Settings, onFailure: string, next: string): States {
  return {
    ...takeLock(settings, { onFailure, next: 'PreflightFinalize' }),
    PreflightFinalize: invoke(
      'preflight-finalize',
      {
        input: '{% $states.context.Execution.Input %}',
        stackName: settings.stackName,
        names: settings.names,
        newImage: settings.newImage,
        sampleEvents: settings.sampleEvents,
      },
      {
        comment:
          'Look at the relay, the database and the file system; tell all findings at once, and resolve the names',
        assign: {
          plan: '{% $states.result.Payload %}',
          samples: '{% $states.result.Payload.samples[] %}',
          attempt: 1,
          // Null for a run that finds the file system out of the stack: the newest archive that there is counts then.
          archivePrefix: null,
          archiveFailure: null,
          failure: null,
        },
        onFailure,
        next: 'ReadAuthority',
      },
    ),
    ReadAuthority: invoke(
      'authority',
      { action: 'read' },
      {
        comment: 'Ask PostgreSQL who holds the truth, and since when',
        assign: { authority: '{% $states.result.Payload %}' },
        onFailure,
        next: 'IsConfident',
      },
    ),
    ...confidence(settings, onFailure),
    DescribeRelay: describeRelay({ onFailure, next: 'HealthCheckRelay' }),
    HealthCheckRelay: {
      ...healthCheck(settings, {
        deadline: null,
        // The relay is live: a client may delete what was served a moment ago.
        maySamplesBeDeleted: true,
        onFailure,
        next: 'FindSnapshot',
      }),
      // There is no write stop that it could end.
      Assign: { health: '{% $states.result.Payload %}' },
    },
    ...snapshotStates(settings, onFailure, next),
  };
}

/** No input shortens the wait: whoever wants another one changes the setting, and deploys it for all to see. */
function confidence({ confidenceDays }: Settings, onFailure: string): States {
  return {
    IsConfident: {
      Type: 'Choice',
      Comment: 'Go on only when PostgreSQL has held the truth for long enough',
      Choices: [
        {
          Condition: `{% $authority.holder = "target" and $exists($authority.changedAt) and $authority.changedAt != null and $toMillis($now()) - $toMillis($authority.changedAt) >= ${confidenceDays} * 86400000 %}`,
          Next: 'DescribeRelay',
        },
      ],
      Default: 'NotConfident',
    },
    NotConfident: {
      Type: 'Pass',
      Comment: 'Say what is missing',
      Assign: {
        failure: failure(
          'IsConfident',
          'NotConfident',
          expression(`$authority.holder = "target"
            ? "PostgreSQL holds the truth since " & $string($authority.changedAt) & ", and has to for ${confidenceDays} days before the SQLite file may go; start finalize again when they are over"
            : "authority is with the " & $string($authority.holder) & ": no cutover stands, and the SQLite file holds the truth"`),
        ),
      },
      Next: onFailure,
    },
  };
}

function snapshotStates(settings: Settings, onFailure: string, next: string): States {
  const snapshot = (action: 'find-or-take' | 'await', more: JsonObject): JsonObject => ({
    action,
    instance: '{% $plan.database %}',
    ...more,
  });
  return {
    FindSnapshot: invoke(
      'database-snapshot',
      snapshot('find-or-take', {
        ageHoursMax: settings.snapshotAgeHoursMax,
        // Of a redrive days later the earlier one would be too old.
        origin: '{% $states.context.Execution.Id & "/" & $string($states.context.Execution.RedriveCount) %}',
      }),
      {
        comment: 'Look for a snapshot of the database that is not too old, and take one where there is none',
        assign: { snapshot: '{% $states.result.Payload %}' },
        onFailure,
        next: 'AwaitSnapshot',
      },
    ),
    AwaitSnapshot: invoke('database-snapshot', snapshot('await', { snapshot: '{% $snapshot.snapshot %}' }), {
      comment: 'Wait until the database could be restored from the snapshot',
      assign: { snapshot: '{% $states.result.Payload %}' },
      poll: pollEvery(settings.pollIntervalSeconds, SNAPSHOT_TIMEOUT_SECONDS),
      onFailure,
      next,
    }),
  };
}
