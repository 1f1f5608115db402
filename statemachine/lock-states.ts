import { type Catcher, expression, type JsonObject, type States, type TaskState } from './asl.ts';
import type { Settings } from './settings.ts';
import { CAUSE, catchAll, invoke, type Step } from './tasks.ts';

/** A condition without braces. An input that is no object, or has no such key, is not "hold". */
export const HOLDS = '$states.context.Execution.Input.onFailure = "hold"';

/** Somebody has taken over: this execution changes nothing more. */
export const SUPERSEDED: Catcher = {
  ErrorEquals: ['LockHeld'],
  Assign: { superseded: expression(CAUSE) },
  Next: 'Superseded',
};

type LockAction = 'acquire' | 'record' | 'reclaim' | 'hold' | 'release' | 'take-over';

/** One step of the lock that lets one execution at a time change the relay; its owner is the execution's ARN. */
export function lock(settings: Settings, action: LockAction, payload: JsonObject, step: Step): TaskState {
  const common: JsonObject = { action, stackName: settings.stackName, owner: '{% $states.context.Execution.Id %}' };
  return invoke('execution-lock', { ...common, ...payload }, step);
}

/** Takes the lock before everything else; while another execution has it, this one ends without having changed anything. */
export function takeLock(
  settings: Settings,
  { onFailure, ...onward }: { onFailure: string; next: string; assign?: JsonObject },
): States {
  return {
    TakeLock: {
      ...lock(settings, 'acquire', {}, { comment: 'One execution at a time may change the relay', ...onward }),
      Catch: [
        { ErrorEquals: ['LockHeld'], Assign: { refusal: expression(CAUSE) }, Next: 'AnotherExecution' },
        ...catchAll(onFailure),
      ],
    },
    AnotherExecution: {
      Type: 'Fail',
      Comment: 'Nothing was changed by this execution',
      Error: 'AnotherExecution',
      Cause: '{% "Nothing was changed by this execution: " & $refusal %}',
    },
  };
}

/**
 * Stands still until an operator has redriven the execution: the function throws HeldForOperator until the redrive count has
 * grown since the failure. A Fail state would not do: a redrive fails in it again.
 *
 * @param failure the variable that says what failed, of the shape that `failure()` in tasks.ts makes
 */
export function hold(settings: Settings, failure: string, comment: string, next: string): TaskState {
  return lock(
    settings,
    'hold',
    {
      heldAtRedrive: `{% $${failure}.redriveCount %}`,
      redriveCount: '{% $states.context.Execution.RedriveCount %}',
      failure: `{% $${failure} %}`,
    },
    { comment, next },
  );
}

/** Makes sure that nobody has taken over meanwhile; what else may go wrong goes to `onFailure`. */
export function reclaim(settings: Settings, comment: string, next: string, onFailure: string): TaskState {
  const state = lock(settings, 'reclaim', {}, { comment, next });
  return {
    ...state,
    Catch: [SUPERSEDED, ...catchAll(onFailure)],
  };
}

/** Gives the lock back before the end at `next`, come what may: whoever comes next finds that its owner has ended. */
export function release(settings: Settings, next: string): TaskState {
  const state = lock(settings, 'release', {}, { comment: 'Let the next execution begin', next });
  return { ...state, Catch: [{ ErrorEquals: ['States.ALL'], Next: next }] };
}

/**
 * Where a failure before the write stop comes to, at the state `IsHeldUnchanged`: nothing was changed, so the execution waits for
 * an operator and then begins anew, or ends as PreflightFailed.
 *
 * @param serving how the relay stands, as a clause
 */
export function unchangedStates(settings: Settings, serving: string): States {
  return {
    IsHeldUnchanged: {
      Type: 'Choice',
      Comment: 'Nothing was changed: wait for an operator, or end',
      Choices: [{ Condition: `{% ${HOLDS} %}`, Next: 'HoldUnchanged' }],
      Default: 'ReleaseUnchanged',
    },
    HoldUnchanged: hold(
      settings,
      'failure',
      `The ${serving}; stand here until the cause is removed and the execution redriven`,
      'TakeLock',
    ),
    ReleaseUnchanged: release(settings, 'PreflightFailed'),
    PreflightFailed: {
      Type: 'Fail',
      Comment: 'Nothing was changed',
      Error: 'PreflightFailed',
      Cause: `{% "Nothing was changed; the ${serving}. " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}`,
    },
  };
}
