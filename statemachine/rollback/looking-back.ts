import type { States } from '../asl.ts';
import { lock, takeLock, unchangedStates } from '../lock-states.ts';
import { migratorTask } from '../migrator-task.ts';
import type { Settings } from '../settings.ts';
import { catchAll, failure, invoke } from '../tasks.ts';
import { NO_WRITE_STOP } from '../write-stop.ts';

/**
 * Before the write stop of a rollback: the new relay serves, nothing is changed, and so a failure ends the execution. Most that
 * can be wrong with a way back is found here: the reverse is tried against a copy of the SQLite file, and writes nothing.
 */
export function lookingBackStates(settings: Settings, next: string): States {
  const onFailure = 'IsHeldUnchanged';
  return {
    ...takeLock(settings, { onFailure, next: 'PreflightRollback' }),
    PreflightRollback: invoke(
      'preflight-rollback',
      {
        input: '{% $states.context.Execution.Input %}',
        stackName: settings.stackName,
        names: settings.names,
        newImage: settings.newImage,
        sampleEvents: settings.sampleEvents,
      },
      {
        comment: 'Look at the stack, the service and the new relay; choose events that the old relay must serve',
        assign: {
          plan: '{% $states.result.Payload %}',
          samples: '{% $states.result.Payload.samples[] %}',
          // Every variable that a later state reads has a value from the first state on, whichever way leads there.
          failure: null,
          checkFailure: null,
          attempt: 1,
          authorityAsked: true,
          proposal: {},
          reverseAttempt: 1,
          reverseVerdicts: [],
          allowDeletions: '{% $states.context.Execution.Input.allowDeletions = true %}',
          stopped: { stoppedAt: null, seenAt: null },
          writeStop: NO_WRITE_STOP,
        },
        onFailure,
        next: 'ReadAuthority',
      },
    ),
    ReadAuthority: invoke(
      'authority',
      { action: 'read' },
      {
        comment: 'Ask PostgreSQL whether it holds the truth, and which cutover gave it',
        assign: { authority: '{% $states.result.Payload %}' },
        onFailure,
        next: 'IsCutOver',
      },
    ),
    IsCutOver: {
      Type: 'Choice',
      Comment: 'There is something to bring back only where PostgreSQL holds the truth',
      Choices: [{ Condition: '{% $authority.holder = "target" %}', Next: 'FindOriginal' }],
      Default: 'NotCutOver',
    },
    NotCutOver: {
      Type: 'Pass',
      Comment: 'Say so: this is no database that a cutover has made the truth',
      Assign: {
        failure: failure(
          'IsCutOver',
          'NotCutOver',
          '{% "authority is with the source (run " & $string($authority.runId) & "), although the relay serves from PostgreSQL. The database is not the one that the cutover made the truth, or was restored from a backup of before it: restore the right one, or look for it in the settings" %}',
        ),
      },
      Next: onFailure,
    },
    FindOriginal: invoke(
      'change-stack',
      {
        action: 'find-original',
        owner: '{% $states.context.Execution.Id %}',
        stackName: settings.stackName,
        names: settings.names,
        // The run that took authority is called after its execution, which may be long forgotten.
        execution: '{% $substringBefore($string($authority.runId), "/") %}',
      },
      {
        comment: 'Find what the cutover kept of the stack as it was before: the image of the old relay stands there',
        assign: {
          plan: '{% $merge([$plan, {"execution": $states.result.Payload.execution}]) %}',
        },
        onFailure,
        next: 'RunCheckReverse',
      },
    ),
    RunCheckReverse: migratorTask(settings, {
      comment:
        'Try the reverse against a copy while the relay serves (migrator, mode check-reverse); nothing is written',
      mode: 'check-reverse',
      plan: 'migration',
      attempt: 'attempt',
      runIdPrefix: 'checkPrefix',
      failure: 'checkFailure',
      timeoutSeconds: settings.migratorTimeoutSeconds,
      next: 'ReadCheckReverse',
    }),
    ReadCheckReverse: {
      ...invoke(
        'read-manifest',
        {
          mode: 'check-reverse',
          runIdPrefix: '{% $checkPrefix %}',
          samples: '{% $samples[] %}',
          taskFailure: '{% $checkFailure = null ? null : $checkFailure.error & ": " & $checkFailure.cause %}',
        },
        {
          comment: 'Read what the reverse would do; go on only when nothing stands in its way',
          assign: { checked: '{% $states.result.Payload %}' },
          next: 'RecordPlan',
        },
      ),
      Catch: [...catchAll('IsCheckAttemptLeft', { errors: ['MigrationInterrupted'] }), ...catchAll(onFailure)],
    },
    IsCheckAttemptLeft: {
      Type: 'Choice',
      Comment: 'A check that was interrupted may be made again',
      Choices: [
        {
          Condition: `{% $attempt < ${settings.migratorAttemptsMax} %}`,
          Assign: { attempt: '{% $attempt + 1 %}', failure: null, checkFailure: null },
          Next: 'RunCheckReverse',
        },
      ],
      Default: onFailure,
    },
    RecordPlan: lock(
      settings,
      'record',
      { plan: '{% $plan %}' },
      {
        comment: 'Leave the plan with the lock, for whoever has to end the rollback in place of this execution',
        onFailure,
        next,
      },
    ),
    ...unchangedStates(settings, 'relay serves as before'),
  };
}
