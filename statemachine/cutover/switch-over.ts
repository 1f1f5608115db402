import type { States } from '../asl.ts';
import { changeSetStates } from '../change-set-states.ts';
import { describeRelay, healthCheck, scale } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { invoke } from '../tasks.ts';
import { assertQuietPayload } from './copy-and-verify.ts';

/** Runbook steps 5d to 5f: the template goes over to PostgreSQL, then authority, then the new relay starts and is asked. */
export function switchOverStates(settings: Settings, onFailure: string): States {
  return {
    ...changeSetStates(settings, {
      suffix: 'Switch',
      purpose: 'switch',
      what: 'the six edits of runbook step 5d, with the desired count still 0',
      desiredCount: 0,
      onFailure,
      next: 'DescribeNewRelay',
    }),
    DescribeNewRelay: describeRelay({ onFailure, next: 'IsSwitched' }),
    // The old relay holds the same events, so that the health check alone would take it for the new one.
    IsSwitched: {
      Type: 'Choice',
      Comment: 'The service must no longer have the task definition of the old relay',
      Choices: [{ Condition: '{% $relay.taskDefinition != $plan.oldTaskDefinition %}', Next: 'AssertStillQuiet' }],
      Default: 'NotSwitched',
    },
    NotSwitched: {
      Type: 'Pass',
      Comment: 'Say so, and take the way back',
      Assign: {
        failure: {
          state: 'IsSwitched',
          error: 'NotSwitched',
          cause:
            '{% "the stack took the change set, but the service still has the task definition of the old relay, " & $plan.oldTaskDefinition %}',
        },
      },
      Next: onFailure,
    },
    AssertStillQuiet: invoke('assert-quiet', assertQuietPayload(settings), {
      comment: 'The last look before the target becomes the truth',
      // From here on the way back has to ask the target who holds the truth.
      assign: { authorityAsked: true },
      onFailure,
      next: 'TakeAuthority',
    }),
    TakeAuthority: invoke(
      'authority',
      { action: 'take', runId: '{% $manifest.runId %}' },
      {
        comment: 'PostgreSQL becomes the truth: no load or reconcile can overwrite it any more',
        onFailure,
        next: 'ScaleUp',
      },
    ),
    ScaleUp: scale(1, 'Start the relay on PostgreSQL', { onFailure, next: 'HealthCheckNewRelay' }),
    HealthCheckNewRelay: healthCheck(settings, { onFailure, next: 'ProposeSettle' }),
    ...changeSetStates(settings, {
      suffix: 'Settle',
      purpose: 'settle',
      what: 'the desired count in the template becomes 1 again',
      desiredCount: 1,
      onFailure,
      next: 'CutoverComplete',
    }),
    CutoverComplete: {
      Type: 'Succeed',
      Comment: 'The relay serves from PostgreSQL, and every row was proven',
      Output: {
        outcome: 'CutoverComplete',
        tables: '{% $verdicts %}',
        health: '{% $health %}',
        writeStop: { from: '{% $stopped.stoppedAt %}', until: '{% $healthyAt %}' },
        taskDefinition: '{% $relay.taskDefinition %}',
        commit:
          '{% "Commit the template of the stack as it is now deployed (relay-cutover template pull): an old file deployed from git would go back to SQLite. The original stands at " & $proposal.original & "." %}',
      },
    },
  };
}
