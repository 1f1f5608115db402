import { expression, type States } from '../asl.ts';
import type { Settings } from '../settings.ts';
import { invoke } from '../tasks.ts';

/** Before the write stop: nothing is changed here, so a failure ends the execution and there is nothing to undo. */
export function lookingStates(settings: Settings): States {
  return {
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
          plan: '{% $states.result.Payload %}',
          // Every variable that the way back reads has a value from the first state on.
          authorityAsked: false,
          proposal: null,
          failure: null,
          samples: '{% $states.result.Payload.samples[] %}',
          stackChange: '{% $states.result.Payload.lastChangeSet %}',
        },
        onFailure: 'PreflightFailed',
        next: 'ReadAuthority',
      },
    ),
    ReadAuthority: invoke(
      'authority',
      { action: 'read' },
      {
        comment: 'Ask the target who holds the truth, and whether a full load stands in it',
        assign: { authority: '{% $states.result.Payload %}' },
        onFailure: 'PreflightFailed',
        next: 'IsPrepared',
      },
    ),
    IsPrepared: {
      Type: 'Choice',
      Comment: 'Go on only when the source holds the truth and a load has been verified',
      Choices: [{ Condition: '{% $authority.holder = "source" and $authority.loaded %}', Next: 'ScaleDown' }],
      Default: 'NotPrepared',
    },
    NotPrepared: {
      Type: 'Fail',
      Comment: 'Nothing was changed',
      Error: 'NotPrepared',
      Cause: expression(`$authority.holder = "target"
        ? "Authority is with the target already: a cutover to PostgreSQL has taken place (run " & $authority.runId & "). Nothing was changed."
        : "The target holds no verified load. Run prepare first, while the relay is live. Nothing was changed."`),
    },
    PreflightFailed: {
      Type: 'Fail',
      Comment: 'Nothing was changed',
      Error: 'PreflightFailed',
      Cause:
        '{% "Nothing was changed; the relay runs as before. " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}',
    },
  };
}
