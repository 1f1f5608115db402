import type { States, TaskState } from '../asl.ts';
import { hold } from '../lock-states.ts';
import { migratorTask } from '../migrator-task.ts';
import type { Settings } from '../settings.ts';
import { catchAll, invoke } from '../tasks.ts';
import { allVerified, saysWhatDiffers, verifyMap } from '../verify-states.ts';
import { stepEnded } from '../write-stop.ts';

/** A way back is worth more tries than a way forward: without it no relay serves. */
const REVERSE_ATTEMPTS_MAX = 3;

/**
 * Brings what PostgreSQL has accepted back to SQLite, proves it, and gives authority back to the source. Every relay has
 * stopped by then.
 *
 * @param again where a person's redrive begins, after a reverse that did not succeed
 * @param exhausted where it goes when no attempt is left; `$reverseFailure` tells why
 */
export function reverseStates(
  settings: Settings,
  { again, next, exhausted = 'HoldOnTarget' }: { again: string; next: string; exhausted?: string },
): States {
  return {
    RunReverse: migratorTask(settings, {
      comment: 'Bring to SQLite what PostgreSQL has accepted since it became the truth (migrator, mode reverse)',
      mode: 'reverse',
      plan: 'rollback',
      attempt: 'reverseAttempt',
      runIdPrefix: 'reversePrefix',
      failure: 'reverseFailure',
      timeoutSeconds: settings.migratorTimeoutSeconds,
      next: 'ReadReverse',
    }),
    ReadReverse: {
      ...invoke(
        'read-manifest',
        {
          mode: 'reverse',
          runIdPrefix: '{% $reversePrefix %}',
          samples: '{% $samples[] %}',
          taskFailure: null,
        },
        {
          comment: "Read the migrator's own account of the reverse; go on only when it says verified",
          assign: {
            reversed: '{% $states.result.Payload %}',
            samples: '{% $states.result.Payload.samples[] %}',
            writeStop: stepEnded('reverse'),
          },
          next: 'VerifyReverse',
        },
      ),
      Catch: catchAll('IsReverseAttemptLeft', { variable: 'reverseFailure' }),
    },
    IsReverseAttemptLeft: {
      Type: 'Choice',
      Comment: 'A reverse may be made again, from the stop on: it begins where the files stand',
      Choices: [
        {
          Condition: `{% $reverseAttempt < ${REVERSE_ATTEMPTS_MAX} %}`,
          Assign: { reverseAttempt: '{% $reverseAttempt + 1 %}' },
          Next: 'StopRelays',
        },
      ],
      Default: exhausted,
    },
    VerifyReverse: verifyMap({
      comment: 'Compute rows and digest of every table in PostgreSQL afresh and compare them with what SQLite has now',
      suffix: 'ReversedTable',
      manifest: 'reversed',
      verdicts: 'reverseVerdicts',
      concurrency: settings.verifyConcurrency,
      timeoutSeconds: settings.verifyTimeoutSeconds,
      next: 'ReverseVerdict',
    }),
    ReverseVerdict: {
      Type: 'Choice',
      Comment: 'The old relay may start only on a file that has every row',
      Choices: [{ Condition: `{% ${allVerified('reversed', 'reverseVerdicts')} %}`, Next: 'AssertNoneRan' }],
      Default: 'ReverseDiffers',
    },
    AssertNoneRan: {
      ...invoke(
        'assert-quiet',
        {
          action: 'assert',
          cluster: '{% $plan.cluster %}',
          family: '{% $plan.family %}',
          since: '{% $stopped.stoppedAt %}',
        },
        {
          comment: 'No relay has run since the stop: SQLite has everything',
          assign: { writeStop: stepEnded('verification of the reverse') },
          next: 'ReturnAuthority',
        },
      ),
      // A relay that ran meanwhile may have accepted events; ECS forgets it in an hour, so asking again would not do.
      Catch: catchAll('IsReverseAttemptLeft', { variable: 'reverseFailure' }),
    },
    ReverseDiffers: saysWhatDiffers('VerifyReverse', 'reverseVerdicts', 'reverseFailure', exhausted),
    ...(exhausted === 'HoldOnTarget' && { HoldOnTarget: holdOnTarget(settings, again) }),
    ReturnAuthority: invoke(
      'authority',
      { action: 'return', runId: '{% $reversed.runId %}' },
      { comment: 'SQLite is the truth again', next },
    ),
  };
}

/** Nothing is lost and nothing runs; starting either relay might lose something, so a person decides. */
function holdOnTarget(settings: Settings, again: string): TaskState {
  return hold(
    settings,
    'reverseFailure',
    'PostgreSQL holds events that SQLite does not have; stand here until the cause is removed and the execution redriven',
    again,
  );
}
