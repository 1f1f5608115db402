import type { States } from '../asl.ts';
import { migratorTask } from '../migrator-task.ts';
import type { Settings } from '../settings.ts';
import { catchAll, invoke } from '../tasks.ts';
import { allVerified, saysWhatDiffers, verifyMap } from '../verify-states.ts';

/**
 * Runs the full load while the relay is live, and proves it as a cutover will: whatever would stand in the way of a
 * verification (a role that may not sign in, a network that does not reach) is found before any write stop.
 */
export function loadStates(settings: Settings, onFailure: string, next: string): States {
  return {
    RunLoad: migratorTask(settings, {
      comment: 'Copy all rows while the relay is live, or bring an earlier copy up to date (migrator, mode load)',
      mode: 'load',
      plan: 'migration',
      attempt: 'attempt',
      runIdPrefix: 'loadPrefix',
      failure: 'loadFailure',
      timeoutSeconds: settings.migratorTimeoutSeconds,
      next: 'ReadLoad',
    }),
    ReadLoad: {
      ...invoke(
        'read-manifest',
        {
          mode: 'load',
          runIdPrefix: '{% $loadPrefix %}',
          samples: [],
          taskFailure: '{% $loadFailure = null ? null : $loadFailure.error & ": " & $loadFailure.cause %}',
        },
        {
          comment: "Read the migrator's own account of the load; go on only when it says verified",
          assign: { loaded: '{% $states.result.Payload %}' },
          next: 'VerifyLoad',
        },
      ),
      Catch: [...catchAll('IsLoadAttemptLeft', { errors: ['MigrationInterrupted'] }), ...catchAll(onFailure)],
    },
    IsLoadAttemptLeft: {
      Type: 'Choice',
      Comment: 'A load that was interrupted may be made again, and goes on where it stood',
      Choices: [
        {
          Condition: `{% $attempt < ${settings.migratorAttemptsMax} %}`,
          Assign: { attempt: '{% $attempt + 1 %}', failure: null, loadFailure: null },
          Next: 'RunLoad',
        },
      ],
      Default: onFailure,
    },
    VerifyLoad: verifyMap({
      comment: 'Compute rows and digest of every table in the target afresh and compare them with what was read',
      suffix: 'LoadedTable',
      manifest: 'loaded',
      verdicts: 'loadVerdicts',
      concurrency: settings.verifyConcurrency,
      timeoutSeconds: settings.verifyTimeoutSeconds,
      onFailure,
      next: 'LoadVerdict',
    }),
    LoadVerdict: {
      Type: 'Choice',
      Comment: 'All tables must be verified, and there must be tables',
      Choices: [{ Condition: `{% ${allVerified('loaded', 'loadVerdicts')} %}`, Next: next }],
      Default: 'LoadDiffers',
    },
    LoadDiffers: saysWhatDiffers('VerifyLoad', 'loadVerdicts', 'failure', onFailure),
  };
}
