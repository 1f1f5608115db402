import type { States } from '../asl.ts';
import { restStack } from '../change-set-states.ts';
import { HOLDS, hold, reclaim } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { failure, invoke } from '../tasks.ts';
import { withdraw } from '../way-back/way-back.ts';
import { FAILED_STEP_ENDED, stepEnded } from '../write-stop.ts';
import { deadlineFromNow } from '../write-stop-deadline.ts';

/**
 * Where every failure after the write stop began comes to: the way back at once, or a halt. After the halt authority decides
 * where to go on, never the place where the execution stood: the old relay may have run meanwhile.
 */
export function failingStates(settings: Settings, wayBack: string): States {
  return {
    OnFailure: {
      Type: 'Choice',
      Comment: 'As the input says: wait for an operator, or bring the old relay back',
      Choices: [{ Condition: `{% ${HOLDS} %}`, Assign: { writeStop: FAILED_STEP_ENDED }, Next: 'Hold' }],
      Assign: { writeStop: FAILED_STEP_ENDED },
      Default: 'ReclaimForWayBack',
    },
    // A lock that cannot be read must not keep the old relay down; authority still guards against loss.
    ReclaimForWayBack: reclaim(settings, 'Nobody else may have taken over meanwhile', wayBack, wayBack),
    Hold: hold(
      settings,
      'failure',
      'Stand here until an operator has removed the cause and redriven the execution',
      'ReclaimAfterHold',
    ),
    ReclaimAfterHold: reclaim(settings, 'Nobody else may have taken over during the halt', 'Reassess', 'Hold'),
    Reassess: invoke('authority', withdraw(), {
      comment:
        'Ask the target who holds the truth now; while that is the source, no copy made before the halt may be used any more',
      assign: { authority: '{% $states.result.Payload %}', writeStop: stepEnded('halt') },
      onFailure: 'Hold',
      next: 'WhereToGoOn',
    }),
    WhereToGoOn: {
      Type: 'Choice',
      Comment: 'While the source holds the truth, begin with the stop again; else the new relay has to start',
      Choices: [
        {
          Condition: '{% $authority.holder = "source" and $proposal = null %}',
          Assign: { failure: null },
          Next: 'ScaleDown',
        },
        { Condition: '{% $authority.holder = "source" %}', Assign: { failure: null }, Next: 'RestStackAfterHold' },
        {
          // Only what this very execution has verified may be served.
          Condition: '{% $authority.holder = "target" and $authority.runId = $manifest.runId %}',
          // The halt has no limit; the way that goes on has its own.
          Assign: { failure: null, deadline: deadlineFromNow(settings) },
          Next: 'DescribeNewRelay',
        },
      ],
      Default: 'NotOurTruth',
    },
    NotOurTruth: {
      Type: 'Pass',
      Comment: 'Say who made PostgreSQL the truth',
      Assign: {
        failure: failure(
          'WhereToGoOn',
          'NotOurTruth',
          '{% "authority is with the " & $authority.holder & " by the run " & $string($authority.runId) & ", which is none that this execution has verified" %}',
        ),
      },
      Next: 'Hold',
    },
    RestStackAfterHold: restStack(settings, { onFailure: 'Hold', next: 'ScaleDown' }),
    Superseded: {
      Type: 'Fail',
      Comment: 'Another execution has taken over; this one changes nothing more',
      Error: 'Superseded',
      Cause: '{% $superseded %}',
    },
  };
}
