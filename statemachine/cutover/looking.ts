import { expression, type States } from '../asl.ts';
import { lock, takeLock, unchangedStates } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { failure, invoke } from '../tasks.ts';
import { NO_WRITE_STOP } from '../write-stop.ts';
import { approvalStates } from './approval.ts';

/** Before the write stop: nothing is changed here, so a failure ends the execution and there is nothing to undo. */
export function lookingStates(settings: Settings): States {
  const onFailure = 'IsHeldUnchanged';
  return {
    // What is begun anew has to be approved anew.
    ...takeLock(settings, { onFailure, next: 'Preflight', assign: { approval: null } }),
    Preflight: invoke(
      'preflight',
      {
        input: '{% $states.context.Execution.Input %}',
        stackName: settings.stackName,
        names: settings.names,
        newImage: settings.newImage,
        sampleEvents: settings.sampleEvents,
      },
      {
        comment: 'Look at the stack, the service and the old relay; choose events that the new relay must serve',
        assign: {
          // Whoever takes over works with the names that were resolved here, and with what was kept under this name.
          plan: '{% $merge([$states.result.Payload, {"execution": $states.context.Execution.Name}]) %}',
          // Every variable that a later state reads has a value from the first state on, whichever way leads there.
          authorityAsked: false,
          proposal: null,
          failure: null,
          manifest: null,
          verdicts: [],
          stopped: { stoppedAt: null, seenAt: null },
          writeStop: NO_WRITE_STOP,
          reverseAttempt: 1,
          allowDeletions: false,
          samples: '{% $states.result.Payload.samples[] %}',
          stackChange: '{% $states.result.Payload.lastChangeSet %}',
        },
        onFailure,
        next: 'ReadAuthority',
      },
    ),
    ReadAuthority: invoke(
      'authority',
      { action: 'read' },
      {
        comment: 'Ask the target who holds the truth, and whether a full load stands in it',
        assign: { authority: '{% $states.result.Payload %}' },
        onFailure,
        next: 'IsPrepared',
      },
    ),
    IsPrepared: {
      Type: 'Choice',
      Comment: 'Go on only when the source holds the truth and a verified load is not too old',
      Choices: [
        {
          Condition: `{% $authority.holder = "source" and $exists($authority.loadedAt) and $authority.loadedAt != null and $toMillis($now()) - $toMillis($authority.loadedAt) < ${settings.loadAgeDaysMax} * 86400000 %}`,
          Next: 'NeedsApproval',
        },
      ],
      Default: 'NotPrepared',
    },
    ...approvalStates(settings, { onFailure, again: 'Preflight', next: 'RecordPlan' }),
    RecordPlan: lock(
      settings,
      'record',
      { plan: '{% $plan %}' },
      {
        comment: 'Leave the plan with the lock, for whoever has to bring the old relay back in place of this execution',
        onFailure,
        next: 'ScaleDown',
      },
    ),
    NotPrepared: {
      Type: 'Pass',
      Comment: 'Say what is missing',
      Assign: {
        failure: failure(
          'IsPrepared',
          'NotPrepared',
          expression(`$authority.holder = "target"
            ? "authority is with the target already: a cutover to PostgreSQL has taken place (run " & $authority.runId & ")"
            : $authority.loadedAt = null
            ? "the target holds no verified load; run prepare first, while the relay is live"
            : "the newest verified load is of " & $authority.loadedAt & ", more than ${settings.loadAgeDaysMax} days ago, and what has changed since would make the write stop long; run prepare again, while the relay is live"`),
        ),
      },
      Next: onFailure,
    },
    ...unchangedStates(settings, 'relay runs as before'),
  };
}
