import type { JsonObject, States } from '../asl.ts';
import type { Settings } from '../settings.ts';
import { invoke, pollEvery } from '../tasks.ts';

/** Mount targets take a minute or two to go, and the file system a moment. */
const DELETION_TIMEOUT_SECONDS = 900;

/** What is left once the stack has no file system any more: the file system itself, and revisions of the migrator's tasks. */
export function disposalStates(settings: Settings, onFailure: string, next: string): States {
  const disposal = (action: 'delete' | 'await'): JsonObject => ({
    action,
    owner: '{% $states.context.Execution.Id %}',
    stackName: settings.stackName,
    archive: '{% $archive %}',
  });
  const gone = pollEvery(settings.pollIntervalSeconds, DELETION_TIMEOUT_SECONDS);
  return {
    IsFileSystemToGo: {
      Type: 'Choice',
      Comment: 'The file system is deleted only when the input says so; else it is kept, outside the stack',
      Choices: [
        {
          Condition: '{% $states.context.Execution.Input.deleteFileSystem = true %}',
          Next: 'DeleteFileSystem',
        },
      ],
      Assign: {
        fileSystem: {
          outcome: 'kept',
          id: '{% $archive.fileSystem %}',
          how: 'Nothing mounts it any more, and it costs its storage. Start finalize again with {"deleteFileSystem": true} to delete it.',
        },
      },
      Default: 'DeregisterMigrationTasks',
    },
    DeleteFileSystem: invoke('delete-file-system', disposal('delete'), {
      comment: 'Delete the file system, unless it holds more than the archive does',
      poll: gone,
      onFailure,
      next: 'AwaitFileSystemGone',
    }),
    AwaitFileSystemGone: invoke('delete-file-system', disposal('await'), {
      comment: 'Wait until the file system is gone',
      assign: { fileSystem: { outcome: 'deleted', id: '{% $archive.fileSystem %}' } },
      poll: gone,
      onFailure,
      next: 'DeregisterMigrationTasks',
    }),
    DeregisterMigrationTasks: invoke(
      'deregister-tasks',
      { families: '{% $plan.migrationFamilies[] %}' },
      {
        comment: 'Deregister every revision of the tasks of the migrator: what they mount is gone',
        assign: { deregistered: '{% $states.result.Payload.deregistered[] %}' },
        onFailure,
        next,
      },
    ),
  };
}
