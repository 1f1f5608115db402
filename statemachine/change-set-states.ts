import type { JsonObject, States } from './asl.ts';
import type { Settings } from './settings.ts';
import { invoke, pollEvery } from './tasks.ts';

/** What a change set is for; the handler knows which edits, and the guard which changes, belong to each. */
export type ChangePurpose = 'hold-at-zero' | 'switch' | 'settle' | 'restore' | 'settle-restored';

interface ChangeSetSteps {
  /** Ends the names of the four states: `Propose<suffix>`, `Inspect...`, `Execute...`, `Await...`. */
  suffix: string;
  purpose: ChangePurpose;
  what: string;
  desiredCount: 0 | 1;
  next: string;
  onFailure?: string;
}

/**
 * Four states that bring one change into the relay's stack: propose it, look at what it would do, execute it, wait.
 * Each is one call that may run twice. `$stackChange` then names the last change set that is ours.
 *
 * A change set without changes is success: it is passed on with the outcome `empty`.
 */
export function changeSetStates(settings: Settings, steps: ChangeSetSteps): States {
  const { suffix, purpose, what, desiredCount, next, onFailure } = steps;
  const common: JsonObject = {
    execution: '{% $states.context.Execution.Name %}',
    attempt: '{% $string($states.context.Execution.RedriveCount) & "-" & $string($states.context.State.RetryCount) %}',
    purpose,
    stackName: settings.stackName,
    names: settings.names,
    newImage: settings.newImage,
    desiredCount,
  };
  const failure = onFailure ? { onFailure } : {};
  return {
    [`Propose${suffix}`]: invoke(
      'change-stack',
      { ...common, action: 'propose' },
      {
        comment: `Propose a change set: ${what}`,
        assign: { proposal: '{% $states.result.Payload %}' },
        poll: pollEvery(settings.pollIntervalSeconds, settings.stackUpdateTimeoutSeconds),
        next: `Inspect${suffix}`,
        ...failure,
      },
    ),
    [`Inspect${suffix}`]: invoke(
      'change-stack',
      { ...common, action: 'inspect', changeSet: '{% $proposal.changeSet %}' },
      {
        comment: 'See what the change set would do; refuse anything that is not on the list',
        assign: { inspection: '{% $states.result.Payload %}' },
        poll: pollEvery(settings.pollIntervalSeconds, 300),
        next: `Execute${suffix}`,
        ...failure,
      },
    ),
    [`Execute${suffix}`]: invoke(
      'change-stack',
      { ...common, action: 'execute', changeSet: '{% $proposal.changeSet %}', outcome: '{% $inspection.outcome %}' },
      { comment: 'Execute the change set, unless it is empty', next: `Await${suffix}`, ...failure },
    ),
    [`Await${suffix}`]: invoke(
      'change-stack',
      { ...common, action: 'await', changeSet: '{% $proposal.changeSet %}', outcome: '{% $inspection.outcome %}' },
      {
        comment: 'Wait until the stack has taken the change; anything but UPDATE_COMPLETE is a failure',
        assign: { stackChange: '{% $states.result.Payload.lastChangeSet %}' },
        poll: pollEvery(settings.pollIntervalSeconds, settings.stackUpdateTimeoutSeconds),
        next,
        ...failure,
      },
    ),
  };
}
