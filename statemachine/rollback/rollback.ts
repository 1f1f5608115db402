import type { StateMachine } from '../asl.ts';
import { release } from '../lock-states.ts';
import type { Settings } from '../settings.ts';
import { catchAll, catching } from '../tasks.ts';
import { WAY_BACK, wayBackStates } from '../way-back/way-back.ts';
import { MEASURED_WRITE_STOP } from '../write-stop.ts';
import { givingUpStates } from './giving-up.ts';
import { lookingBackStates } from './looking-back.ts';

const ON_FAILURE = 'OnFailure';

/**
 * The operator's rollback (runbook "Rollback"), at any time between `cutover` and `finalize`: whatever PostgreSQL has accepted
 * since the cutover is brought to SQLite and proven there, and the old relay serves again. It knows nothing of the cutover's
 * execution but what stands in schema `cutover` and among the artefacts.
 *
 * A failure while PostgreSQL still is the truth gives the rollback up: the new relay serves again. Once SQLite is the truth
 * only the way on is left, and a failure halts there.
 *
 * @returns an Amazon States Language definition whose `${<function>}` placeholders stand for Lambda version ARNs
 */
export function rollbackMachine(settings: Settings): StateMachine {
  return {
    Comment: `Moves the relay of stack ${settings.stackName} back from PostgreSQL to SQLite, with all that it has accepted`,
    QueryLanguage: 'JSONata',
    StartAt: 'TakeLock',
    TimeoutSeconds: settings.executionTimeoutSeconds,
    States: {
      ...lookingBackStates(settings, WAY_BACK),
      ...catching(
        wayBackStates(settings, { next: 'ReleaseRolledBack', again: 'ReclaimAfterHold', exhausted: 'ReverseGivenUp' }),
        catchAll(ON_FAILURE),
      ),
      ...givingUpStates(settings, { onFailure: ON_FAILURE, wayBack: WAY_BACK }),
      ReleaseRolledBack: release(settings, 'RolledBack'),
      RolledBack: {
        Type: 'Succeed',
        Comment: 'The old relay serves from SQLite, with everything that PostgreSQL had accepted',
        Output: {
          outcome: 'RolledBack',
          sentence:
            'The old relay serves from SQLite again, and everything that PostgreSQL had accepted was brought back and compared.',
          tables: '{% $reverseVerdicts[] %}',
          health: '{% $health %}',
          writeStop: MEASURED_WRITE_STOP,
          taskDefinition: '{% $relay.taskDefinition %}',
          commit:
            'Commit the template of the stack as it is now deployed (relay-cutover template pull): that of the relay on PostgreSQL would switch it again. The database stays as it is; a new prepare and cutover bring it up to date.',
        },
      },
    },
  };
}
