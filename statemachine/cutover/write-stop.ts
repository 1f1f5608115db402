import type { States } from '../asl.ts';
import { changeSetStates } from '../change-set-states.ts';
import { awaitStopped, scaleDown } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { stepEnded } from '../write-stop.ts';
import { deadlineFromNow } from '../write-stop-deadline.ts';

/** Runbook step 5a: the relay stops, and stays stopped whatever CloudFormation does meanwhile. */
export function writeStopStates(settings: Settings, onFailure: string): States {
  return {
    ScaleDown: scaleDown(
      settings,
      'Ask ECS to stop the old relay; clients may still write until its task has stopped',
      {
        onFailure,
        next: 'ProposeHoldAtZero',
      },
    ),
    // CloudFormation sets the desired count again at every change of the service, and when it rolls one back.
    ...changeSetStates(settings, {
      suffix: 'HoldAtZero',
      purpose: 'hold-at-zero',
      what: 'the desired count in the template becomes 0, so that no stack update starts the relay',
      desiredCount: 0,
      onFailure,
      next: 'AwaitStopped',
    }),
    AwaitStopped: awaitStopped(settings, {
      comment: 'Wait until every task of the family has stopped, those started by hand too',
      onFailure,
      next: 'QuietGap',
    }),
    QuietGap: {
      Type: 'Wait',
      Comment: 'One look is not enough: a task may be starting',
      Seconds: settings.quietGapSeconds,
      Next: 'ConfirmStopped',
    },
    ConfirmStopped: awaitStopped(settings, {
      comment: 'Look a second time; the write stop has begun, and its time is counted',
      assign: { deadline: deadlineFromNow(settings), attempt: 1, writeStop: stepEnded('second look') },
      onFailure,
      next: 'RunMigrator',
    }),
  };
}
