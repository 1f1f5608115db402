import type { StateMachine } from '../asl.ts';
import type { Settings } from '../settings.ts';
import { copyAndVerifyStates } from './copy-and-verify.ts';
import { lookingStates } from './looking.ts';
import { switchOverStates } from './switch-over.ts';
import { wayBackStates } from './way-back.ts';
import { writeStopStates } from './write-stop.ts';

const WAY_BACK = 'AskAuthority';

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
    StartAt: 'Preflight',
    TimeoutSeconds: settings.executionTimeoutSeconds,
    States: {
      ...lookingStates(settings),
      ...writeStopStates(settings, WAY_BACK),
      ...copyAndVerifyStates(settings, WAY_BACK),
      ...switchOverStates(settings, WAY_BACK),
      ...wayBackStates(settings),
    },
  };
}
