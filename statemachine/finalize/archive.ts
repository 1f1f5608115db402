import type { States } from '../asl.ts';
import { literalJson } from '../literal-json.ts';
import { migratorTask } from '../migrator-task.ts';
import type { Settings } from '../settings.ts';
import { catchAll, invoke } from '../tasks.ts';

/**
 * Brings every file of the file system into the archive, by a task of the migrator under a role of its own. Where the file
 * system has left the stack already, an earlier run has archived it: that run's own account is read, and must say verified.
 */
export function archiveStates(settings: Settings, onFailure: string, next: string): States {
  return {
    IsArchiveLeft: {
      Type: 'Choice',
      Comment: 'Only while the file system is in the stack can a task mount it',
      Choices: [{ Condition: '{% $plan.isRemoved %}', Next: 'ReadArchive' }],
      Default: 'RunArchive',
    },
    RunArchive: migratorTask(settings, {
      comment: 'Archive every file, read each back, and open the database that came back (migrator, mode archive)',
      mode: 'archive',
      plan: 'migration',
      attempt: 'attempt',
      runIdPrefix: 'archivePrefix',
      failure: 'archiveFailure',
      timeoutSeconds: settings.migratorTimeoutSeconds,
      environment: archiveEnvironment(settings),
      taskRole: '{% $plan.archive.taskRole %}',
      next: 'ReadArchive',
    }),
    ReadArchive: {
      ...invoke(
        'read-manifest',
        {
          mode: 'archive',
          runIdPrefix: '{% $archivePrefix = null ? "" : $archivePrefix %}',
          samples: [],
          taskFailure: '{% $archiveFailure = null ? null : $archiveFailure.error & ": " & $archiveFailure.cause %}',
        },
        {
          comment: "Read the migrator's own account of the archive; go on only when it says verified",
          assign: { archive: '{% $states.result.Payload.archive %}' },
          next,
        },
      ),
      Catch: [...catchAll('IsArchiveAttemptLeft', { errors: ['MigrationInterrupted'] }), ...catchAll(onFailure)],
    },
    IsArchiveAttemptLeft: {
      Type: 'Choice',
      Comment: 'An archive that was interrupted may be made again, from the start',
      Choices: [
        {
          Condition: `{% $attempt < ${settings.migratorAttemptsMax} and $not($plan.isRemoved) %}`,
          Assign: { attempt: '{% $attempt + 1 %}', failure: null, archiveFailure: null },
          Next: 'RunArchive',
        },
      ],
      Default: onFailure,
    },
  };
}

/** A folder for each execution: what one has archived, no other one writes over. */
function archiveEnvironment({ archiveIgnore }: Settings): { Name: string; Value: string }[] {
  return [
    { Name: 'CUTOVER_ARCHIVE_BUCKET', Value: '{% $plan.archive.bucket %}' },
    {
      Name: 'CUTOVER_ARCHIVE_PREFIX',
      Value: '{% $plan.archive.prefix & "/" & $states.context.Execution.Name & "/" %}',
    },
    { Name: 'CUTOVER_ARCHIVE_FILE_SYSTEM', Value: '{% $plan.fileSystem %}' },
    { Name: 'CUTOVER_ARCHIVE_IGNORE', Value: literalJson(archiveIgnore) },
  ];
}
