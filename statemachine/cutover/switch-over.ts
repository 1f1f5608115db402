import type { States } from '../asl.ts';
import { changeSetStates } from '../change-set-states.ts';
import { release } from '../lock-states.ts';
import { describeRelay, healthCheck, scaleUp } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { failure, invoke } from '../tasks.ts';
import { quarantinedRows } from '../verify-states.ts';
import { MEASURED_WRITE_STOP, stepEnded } from '../write-stop.ts';
import { assertQuietPayload } from './copy-and-verify.ts';

/** Runbook steps 5d to 5f: the template goes over to PostgreSQL, then authority, then the new relay starts and is asked. */
export function switchOverStates(settings: Settings, onFailure: string, wayBack: string): States {
  return {
    ...changeSetStates(settings, {
      suffix: 'Switch',
      purpose: 'switch',
      what: 'the six edits of runbook step 5d, with the desired count still 0',
      desiredCount: 0,
      payload: { newImage: settings.newImage, pinnedImage: '{% $plan.newImage %}' },
      deadline: '{% $deadline %}',
      assign: { writeStop: stepEnded('stack update') },
      onFailure,
      next: 'DescribeNewRelay',
    }),
    DescribeNewRelay: describeRelay({ onFailure, next: 'IsSwitched' }),
    // The old relay holds the same events, so that the health check alone would take it for the new one.
    IsSwitched: {
      Type: 'Choice',
      Comment: 'The service must no longer have the task definition of the old relay',
      Choices: [
        // The next two are for after a halt: the target may be the truth already.
        {
          Condition: '{% $relay.taskDefinition = $plan.oldTaskDefinition and $authority.holder = "target" %}',
          Next: 'OldRelayServed',
        },
        { Condition: '{% $authority.holder = "target" %}', Next: 'ScaleUp' },
        { Condition: '{% $relay.taskDefinition = $plan.oldTaskDefinition %}', Next: 'NotSwitched' },
      ],
      Default: 'AssertStillQuiet',
    },
    NotSwitched: {
      Type: 'Pass',
      Comment: 'Say so, and take the way back',
      Assign: {
        failure: failure(
          'IsSwitched',
          'NotSwitched',
          '{% "the stack took the change set, but the service still has the task definition of the old relay, " & $plan.oldTaskDefinition %}',
        ),
      },
      Next: onFailure,
    },
    OldRelayServed: {
      Type: 'Pass',
      Comment: 'Whatever the input says: only the way back brings together what each store alone has accepted',
      Assign: {
        failure: failure(
          'IsSwitched',
          'OldRelayServed',
          '{% "authority is with the target, but somebody has given the service the task definition of the old relay, " & $plan.oldTaskDefinition & ", which may have accepted events that PostgreSQL does not have." %}',
        ),
      },
      Next: wayBack,
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
    ScaleUp: scaleUp(settings, 'Start the relay on PostgreSQL', { onFailure, next: 'HealthCheckNewRelay' }),
    HealthCheckNewRelay: healthCheck(settings, {
      deadline: '{% $deadline %}',
      onFailure,
      next: 'ProposeSettle',
    }),
    ...changeSetStates(settings, {
      suffix: 'Settle',
      purpose: 'settle',
      what: 'the desired count in the template becomes 1 again',
      desiredCount: 1,
      onFailure,
      next: 'ReleaseComplete',
    }),
    ReleaseComplete: release(settings, 'CutoverComplete'),
    CutoverComplete: {
      Type: 'Succeed',
      Comment: 'The relay serves from PostgreSQL, and every row was proven',
      Output: {
        outcome: 'CutoverComplete',
        tables: '{% $verdicts %}',
        quarantinedRows: quarantinedRows('verdicts'),
        health: '{% $health %}',
        writeStop: MEASURED_WRITE_STOP,
        taskDefinition: '{% $relay.taskDefinition %}',
        commit:
          '{% "Commit the template of the stack as it is now deployed (relay-cutover template pull): an old file deployed from git would go back to SQLite. The original stands at " & $proposal.original & "." %}',
      },
    },
  };
}
