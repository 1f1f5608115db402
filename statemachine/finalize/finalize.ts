import type { StateMachine, States } from '../asl.ts';
import { changeSetStates } from '../change-set-states.ts';
import { HOLDS, hold, release } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { archiveStates } from './archive.ts';
import { confidenceStates } from './confidence.ts';
import { disposalStates } from './disposal.ts';

const ON_FAILURE = 'IsFinalizeHeld';

/**
 * The machine `finalize` (runbook step 6), a week after a cutover: archives every file of SQLite's file system, takes the file
 * system out of the relay's stack and, only when it is asked to, deletes it. The relay serves from PostgreSQL all the time.
 * Each run looks at the world first: started anew after the file system has left the stack, it goes on with what remains.
 *
 * It leaves no plan with the lock, so that `restore` never takes over from it: there is nothing to bring back.
 *
 * @returns an Amazon States Language definition whose `${<function>}` placeholders stand for Lambda version ARNs
 */
export function finalizeMachine(settings: Settings): StateMachine {
  return {
    Comment: `Archives SQLite's file system and takes it out of the stack ${settings.stackName}, while the relay serves from PostgreSQL`,
    QueryLanguage: 'JSONata',
    StartAt: 'TakeLock',
    TimeoutSeconds: settings.executionTimeoutSeconds,
    States: {
      ...confidenceStates(settings, ON_FAILURE, 'IsArchiveLeft'),
      ...archiveStates(settings, ON_FAILURE, 'ProposeRemoval'),
      ...changeSetStates(settings, {
        suffix: 'Removal',
        purpose: 'remove-efs',
        by: 'finalize-stack',
        what: 'the file system, its mount targets, access point, security group, output and policy, the tasks of the migrator',
        desiredCount: 1,
        keptUnder: '{% $states.context.Execution.Name %}',
        payload: { newImage: '{% $plan.imageDefault %}' },
        onFailure: ON_FAILURE,
        next: 'IsFileSystemToGo',
      }),
      ...disposalStates(settings, ON_FAILURE, 'ReleaseFinalized'),
      ReleaseFinalized: release(settings, 'FinalizeComplete'),
      FinalizeComplete: finalizeComplete(settings),
      ...failedStates(settings),
    },
  };
}

function finalizeComplete({ names, migratorImage, newImage }: Settings): States[string] {
  return {
    Type: 'Succeed',
    Comment: "The relay serves from PostgreSQL; SQLite's files are in the archive and out of the stack",
    Output: {
      outcome: 'FinalizeComplete',
      archive: '{% $archive %}',
      snapshot: '{% $snapshot %}',
      removed: '{% $proposal.edits[] %}',
      fileSystem: '{% $fileSystem %}',
      deregistered: '{% $deregistered[] %}',
      // What no machine may do, or can reach.
      remaining: [
        'Commit the template of the stack as it is now deployed (relay-cutover template pull): an old file deployed from git would make a new, empty file system.',
        `Retag the image ${newImage} as the new default of the relay's registry, and name that tag as the default of ${names.imageParameter} where you keep the template.`,
        `Delete Dockerfile.migrate from the repository, and the image ${migratorImage} from its registry.`,
        'Keep the archive as long as your rules want it: its bucket outlives both stacks.',
      ],
    },
  };
}

/** Where every failure comes to. The relay serves all the time, so there is nothing to undo; CloudFormation undoes its own. */
function failedStates(settings: Settings): States {
  return {
    [ON_FAILURE]: {
      Type: 'Choice',
      Comment: 'The relay serves as before: wait for an operator, or end',
      Choices: [{ Condition: `{% ${HOLDS} %}`, Next: 'HoldFinalize' }],
      Default: 'ReleaseFailed',
    },
    HoldFinalize: hold(
      settings,
      'failure',
      'The relay serves as before; stand here until the cause is removed and the execution redriven, then begin anew',
      'TakeLock',
    ),
    ReleaseFailed: release(settings, 'FinalizeFailed'),
    FinalizeFailed: {
      Type: 'Fail',
      Comment: 'The relay serves from PostgreSQL as before',
      Error: 'FinalizeFailed',
      Cause:
        '{% "The relay serves from PostgreSQL as before, and finalize may be started anew when the cause is removed. " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}',
    },
  };
}
