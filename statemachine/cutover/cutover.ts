import type { StateMachine } from '../asl.ts';
import { release, SUPERSEDED } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { catching } from '../tasks.ts';
import { servesAgain, WAY_BACK, wayBackStates } from '../way-back/way-back.ts';
import { andWriteStop } from '../write-stop.ts';
import { copyAndVerifyStates } from './copy-and-verify.ts';
import { failingStates } from './failing.ts';
import { lookingStates } from './looking.ts';
import { switchOverStates } from './switch-over.ts';
import { writeStopStates } from './write-stop.ts';

const ON_FAILURE = 'OnFailure';
const WHY = '", because " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause';

/**
 * The cutover (runbook step 5): stop the relay, bring over and prove every row, switch the template, start the new relay
 * and ask it; or bring the old one back.
 *
 * @returns an Amazon States Language definition whose `${<function>}` placeholders stand for Lambda version ARNs
 */
export function cutoverMachine(settings: Settings): StateMachine {
  return {
    Comment: `Moves the relay of stack ${settings.stackName} from SQLite on EFS to PostgreSQL on RDS`,
    QueryLanguage: 'JSONata',
    StartAt: 'TakeLock',
    TimeoutSeconds: settings.executionTimeoutSeconds,
    States: {
      ...lookingStates(settings),
      ...writeStopStates(settings, ON_FAILURE),
      ...copyAndVerifyStates(settings, ON_FAILURE),
      ...switchOverStates(settings, ON_FAILURE, 'ReclaimForWayBack'),
      ...failingStates(settings, WAY_BACK),
      ...catching(wayBackStates(settings, { next: 'ReleaseRolledBack', again: 'ReclaimForWayBack' }), [SUPERSEDED]),
      ReleaseRolledBack: release(settings, 'RolledBack'),
      RolledBack: {
        Type: 'Fail',
        Comment: 'The old relay serves from SQLite; no row was lost',
        Error: 'RolledBack',
        Cause: `{% ${andWriteStop(servesAgain(WHY))} %}`,
      },
    },
  };
}
