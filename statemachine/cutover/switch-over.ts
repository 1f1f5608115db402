import type { States } from '../asl.ts';
import { changeSetStates } from '../change-set-states.ts';
import { relayStartStates } from '../relay-start-states.ts';
import type { Settings } from '../settings.ts';
import { callAws, invoke } from '../tasks.ts';
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
      next: 'AssertStillQuiet',
    }),
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
    ScaleUp: callAws(
      'ecs',
      'updateService',
      { Cluster: '{% $plan.cluster %}', Service: '{% $plan.service %}', DesiredCount: 1 },
      { comment: 'Start the relay on PostgreSQL', onFailure, next: 'DescribeNewRelay' },
    ),
    ...relayStartStates(settings, {
      suffix: 'NewRelay',
      onFailure,
      next: 'ProposeSettle',
    }),
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
