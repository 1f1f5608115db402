import { expression, type StateMachine } from '../asl.ts';
import { hold, lock, release } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { catchAll, catching } from '../tasks.ts';
import { servesAgain, WAY_BACK, wayBackStates } from '../way-back/way-back.ts';
import { MEASURED_WRITE_STOP, NO_WRITE_STOP } from '../write-stop.ts';

/**
 * Brings the old relay back where a cutover ended without an ending of its own: a failed expression, an execution that was
 * stopped or timed out, a way back that failed itself. An EventBridge rule starts it with `{"execution": <ARN>}`; a person
 * starts it with `{"takeOver": true}` to give up a cutover that is held, and adds `"allowDeletions": true` when the way back
 * was refused because it would delete many rows, and they may go.
 *
 * It acts by the lock and by authority only, never by where the other execution stood.
 *
 * @returns an Amazon States Language definition whose `${<function>}` placeholders stand for Lambda version ARNs
 */
export function restoreMachine(settings: Settings): StateMachine {
  return {
    Comment: `Brings the relay of stack ${settings.stackName} back to SQLite after a cutover that ended in the middle`,
    QueryLanguage: 'JSONata',
    StartAt: 'TakeOver',
    TimeoutSeconds: settings.executionTimeoutSeconds,
    States: {
      TakeOver: lock(
        settings,
        'take-over',
        {
          from: expression(
            '$exists($states.context.Execution.Input.execution) ? $states.context.Execution.Input.execution : null',
          ),
          force: '{% $states.context.Execution.Input.takeOver = true %}',
        },
        {
          comment:
            'Take the lock from an execution that ended in the middle, and with it the names that it had resolved',
          assign: {
            takeOver: '{% $states.result.Payload %}',
            plan: '{% $states.result.Payload.plan %}',
            samples: expression(
              '$states.result.Payload.plan = null ? [] : $append([], $states.result.Payload.plan.samples)',
            ),
            // Whether the other one has asked for authority or changed the template nobody remembers; both are looked at.
            authorityAsked: true,
            proposal: {},
            reverseAttempt: 1,
            writeStop: NO_WRITE_STOP,
            allowDeletions: '{% $states.context.Execution.Input.allowDeletions = true %}',
          },
          next: 'IsThereAnythingToDo',
        },
      ),
      IsThereAnythingToDo: {
        Type: 'Choice',
        Comment: 'An execution that ended in order, runs, or is held for an operator is left alone',
        Choices: [{ Condition: '{% $takeOver.verdict = "taken" %}', Next: WAY_BACK }],
        Default: 'NothingToDo',
      },
      NothingToDo: {
        Type: 'Succeed',
        Comment: 'Nothing was changed',
        Output: { outcome: 'NothingToDo', reason: '{% $takeOver.reason %}' },
      },
      ...catching(wayBackStates(settings, { next: 'ReleaseRestored', again: 'TakeOver' }), catchAll('HoldRestore')),
      // Not where it failed: a change set that was refused or rolled back stays so, and a look at tasks grows stale.
      HoldRestore: hold(
        settings,
        'failure',
        'Stand here until the cause is removed and the execution redriven; the way back then begins anew',
        'TakeOver',
      ),
      ReleaseRestored: release(settings, 'Restored'),
      Restored: {
        Type: 'Succeed',
        Comment: 'The old relay serves from SQLite; no row was lost',
        Output: {
          outcome: 'Restored',
          sentence: `{% ${servesAgain('". " & $takeOver.reason')} %}`,
          takenFrom: '{% $takeOver.takenFrom %}',
          writeStop: MEASURED_WRITE_STOP,
        },
      },
    },
  };
}
