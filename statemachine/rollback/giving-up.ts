import type { States } from '../asl.ts';
import { changeSetStates, restStack } from '../change-set-states.ts';
import { HOLDS, hold, reclaim, release } from '../lock-states.ts';
import { describeRelay, healthCheck, scaleUp } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { failure, invoke } from '../tasks.ts';
import { andWriteStop, FAILED_STEP_ENDED, stepEnded } from '../write-stop.ts';

/**
 * Where every failure of a rollback comes to once its write stop has begun. Authority decides, as everywhere: while it is with
 * the target nothing was switched, and the new relay goes on where it stood. Once it is with the source, or nobody knows, only a
 * person's redrive helps, which begins the way back anew.
 */
export function givingUpStates(
  settings: Settings,
  { onFailure, wayBack }: { onFailure: string; wayBack: string },
): States {
  return {
    ReverseGivenUp: {
      Type: 'Pass',
      Comment: 'No attempt of the reverse is left',
      Assign: { failure: '{% $reverseFailure %}' },
      Next: onFailure,
    },
    [onFailure]: {
      Type: 'Choice',
      Comment: 'As the input says: wait for an operator, or give up if the new relay can go on',
      Choices: [{ Condition: `{% ${HOLDS} %}`, Assign: { writeStop: FAILED_STEP_ENDED }, Next: 'Hold' }],
      Assign: { writeStop: FAILED_STEP_ENDED },
      Default: 'ReclaimForReturn',
    },
    Hold: hold(
      settings,
      'failure',
      'Stand here until an operator has removed the cause and redriven the execution; the way back then begins anew',
      'ReclaimAfterHold',
    ),
    ReclaimAfterHold: {
      ...reclaim(settings, 'Nobody else may have taken over during the halt', wayBack, 'Hold'),
      Assign: { writeStop: stepEnded('halt'), reverseAttempt: 1 },
    },
    ReclaimForReturn: reclaim(settings, 'Nobody else may have taken over meanwhile', 'AskWhoServes', 'Hold'),
    AskWhoServes: {
      ...invoke(
        'authority',
        { action: 'read' },
        {
          comment: 'Ask who holds the truth: only that one may serve',
          assign: { authority: '{% $states.result.Payload %}' },
          next: 'WhoServes',
        },
      ),
      // What failed first is what a person has to know.
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Hold' }],
    },
    WhoServes: {
      Type: 'Choice',
      Comment: 'While PostgreSQL is the truth the new relay goes on; else SQLite is, and the old relay has to come up',
      Choices: [{ Condition: '{% $authority.holder = "target" %}', Next: 'RestStackForReturn' }],
      Default: 'Hold',
    },
    RestStackForReturn: restStack(settings, { onFailure: 'HoldGivenUp', next: 'DescribeKeptRelay' }),
    DescribeKeptRelay: describeRelay({ onFailure: 'HoldGivenUp', next: 'IsKept' }),
    IsKept: {
      Type: 'Choice',
      Comment: 'Only the relay that served before may go on',
      Choices: [{ Condition: '{% $relay.taskDefinition = $plan.newTaskDefinition %}', Next: 'ScaleUpKeptRelay' }],
      Default: 'NotKept',
    },
    NotKept: {
      Type: 'Pass',
      Comment: 'Say what the service has in place of it, and what failed before',
      Assign: {
        failure: failure(
          'IsKept',
          'NotKept',
          '{% "the service has the task definition " & $relay.taskDefinition & ", where " & $plan.newTaskDefinition & " served before the rollback. After " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}',
        ),
      },
      Next: 'HoldGivenUp',
    },
    ScaleUpKeptRelay: scaleUp(settings, 'Start the relay on PostgreSQL again', {
      onFailure: 'HoldGivenUp',
      next: 'HealthCheckKeptRelay',
    }),
    HealthCheckKeptRelay: healthCheck(settings, {
      deadline: null,
      maySamplesBeDeleted: true,
      onFailure: 'HoldGivenUp',
      next: 'ProposeSettleKept',
    }),
    ...changeSetStates(settings, {
      suffix: 'SettleKept',
      purpose: 'settle',
      what: 'the desired count in the template becomes 1 again',
      desiredCount: 1,
      onFailure: 'HoldGivenUp',
      next: 'ReleaseGivenUp',
    }),
    HoldGivenUp: hold(
      settings,
      'failure',
      'Neither way went through; stand here until the cause is removed and the execution redriven, which begins the way back anew',
      'ReclaimAfterHold',
    ),
    ReleaseGivenUp: release(settings, 'NotRolledBack'),
    NotRolledBack: {
      Type: 'Fail',
      Comment: 'The relay serves from PostgreSQL as before, and nothing was lost',
      Error: 'NotRolledBack',
      Cause: `{% ${andWriteStop('"The rollback was given up. The relay serves from PostgreSQL as before and nothing was lost. " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause')} %}`,
    },
    Superseded: {
      Type: 'Fail',
      Comment: 'Another execution has taken over; this one changes nothing more',
      Error: 'Superseded',
      Cause: '{% $superseded %}',
    },
  };
}
