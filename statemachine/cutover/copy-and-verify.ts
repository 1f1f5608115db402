import type { JsonObject, States } from '../asl.ts';
import { migratorTask } from '../migrator-task.ts';
import type { Settings } from '../settings.ts';
import { catchAll, failure, invoke } from '../tasks.ts';
import { allVerified, saysWhatDiffers, verifyMap } from '../verify-states.ts';
import { stepEnded } from '../write-stop.ts';
import { limitInWords, secondsLeft, TIME_IS_LEFT } from '../write-stop-deadline.ts';

/** Runbook steps 5b and 5c: bring over what the load does not have yet, and prove that nothing differs. */
export function copyAndVerifyStates(settings: Settings, onFailure: string): States {
  return {
    RunMigrator: migratorTask(settings, {
      comment: 'Compare every row and make the target exactly equal (migrator, mode reconcile)',
      mode: 'reconcile',
      plan: 'migration',
      attempt: 'attempt',
      runIdPrefix: 'runIdPrefix',
      failure: 'failure',
      timeoutSeconds: secondsLeft(settings.migratorTimeoutSeconds),
      caught: [
        {
          ErrorEquals: ['States.Timeout'],
          Assign: {
            failure: failure(
              'RunMigrator',
              'DeadlineExceeded',
              `the migrator was still at work when its time was over; ${limitInWords(settings)}`,
            ),
          },
          Next: onFailure,
        },
      ],
      next: 'ReadManifest',
    }),
    ReadManifest: readManifest({ onFailure, next: 'VerifyCounts' }),
    IsAttemptLeft: {
      Type: 'Choice',
      Comment: 'A run that was interrupted may be made again, while there is time',
      Choices: [
        {
          Condition: `{% $attempt < ${settings.migratorAttemptsMax} and ${TIME_IS_LEFT} %}`,
          Assign: { attempt: '{% $attempt + 1 %}', failure: null },
          Next: 'RunMigrator',
        },
      ],
      Default: onFailure,
    },
    VerifyCounts: verifyMap({
      comment: 'Compute rows and digest of every table in the target afresh and compare them with the source',
      suffix: 'Table',
      manifest: 'manifest',
      verdicts: 'verdicts',
      concurrency: settings.verifyConcurrency,
      timeoutSeconds: secondsLeft(settings.verifyTimeoutSeconds),
      onFailure,
      next: 'AssertQuiet',
    }),
    AssertQuiet: invoke('assert-quiet', assertQuietPayload(settings), {
      comment: 'No task of the relay has run since the stop, and nobody else has changed the stack',
      assign: { writeStop: stepEnded('verification') },
      onFailure,
      next: 'Verdict',
    }),
    Verdict: {
      Type: 'Choice',
      Comment: 'All tables must be verified, there must be tables, and there must be time for the switch',
      Choices: [
        { Condition: `{% $not(${allVerified('manifest', 'verdicts')}) %}`, Next: 'VerificationFailed' },
        { Condition: `{% ${TIME_IS_LEFT} %}`, Next: 'ProposeSwitch' },
      ],
      Default: 'TimeIsOver',
    },
    VerificationFailed: saysWhatDiffers('VerifyCounts', 'verdicts', 'failure', onFailure),
    TimeIsOver: {
      Type: 'Pass',
      Comment: 'Say which step used the time',
      Assign: {
        failure: failure(
          'Verdict',
          'DeadlineExceeded',
          `{% "all rows are equal, but there is no time left for the switch: the copy took " & ${elapsed('$stopped.seenAt', '$copiedAt')} & " s and the verification " & ${elapsed('$copiedAt', '$now()')} & " s; ${limitInWords(settings)}" %}`,
        ),
      },
      Next: onFailure,
    },
  };
}

function readManifest({ onFailure, next }: { onFailure: string; next: string }): States[string] {
  const state = invoke(
    'read-manifest',
    {
      mode: 'reconcile',
      runIdPrefix: '{% $runIdPrefix %}',
      samples: '{% $samples[] %}',
      // A task that never reached the target left no word there, but ECS may know why.
      taskFailure: '{% $failure = null ? null : $failure.error & ": " & $failure.cause %}',
    },
    {
      comment: "Read the migrator's own account of its run; go on only when it says verified",
      assign: {
        manifest: '{% $states.result.Payload %}',
        // A sample that was deleted before the stop proves nothing any more.
        samples: '{% $states.result.Payload.samples[] %}',
        copiedAt: '{% $now() %}',
        writeStop: stepEnded('copy'),
      },
      next,
    },
  );
  return {
    ...state,
    Catch: [...catchAll('IsAttemptLeft', { errors: ['MigrationInterrupted'] }), ...catchAll(onFailure)],
  };
}

function elapsed(from: string, until: string): string {
  return `$string($round(($toMillis(${until}) - $toMillis(${from})) / 1000))`;
}

/** The payload of the states that assert that nobody writes and that the stack is as we left it. */
export function assertQuietPayload(settings: Settings): JsonObject {
  return {
    action: 'assert',
    cluster: '{% $plan.cluster %}',
    family: '{% $plan.family %}',
    since: '{% $stopped.stoppedAt %}',
    stackName: settings.stackName,
    stackChange: '{% $stackChange %}',
  };
}
