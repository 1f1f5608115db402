import type { Json, JsonObject, States, TaskState } from './asl.ts';
import type { Settings } from './settings.ts';
import { invoke, pollEvery } from './tasks.ts';

/** What a change set is for; the handler knows which edits, and the guard which changes, belong to each. */
export type ChangePurpose =
  | 'prepare'
  | 'hold-at-zero'
  | 'switch'
  | 'settle'
  | 'restore'
  | 'settle-restored'
  | 'remove-efs';

interface ChangeSetSteps {
  /** Ends the names of the four states: `Propose<suffix>`, `Inspect...`, `Execute...`, `Await...`. */
  suffix: string;
  purpose: ChangePurpose;
  what: string;
  desiredCount: 0 | 1;
  /** The function that does it; they differ in what they may do. */
  by?: 'change-stack' | 'prepare-stack' | 'finalize-stack';
  /** What the purpose needs beside that. */
  payload?: JsonObject;
  /** Expression for the name under which the stack is kept as it was before the first edit. */
  keptUnder?: string;
  /** How long the stack may take. */
  timeoutSeconds?: number;
  /** An expression for the time from which nothing is waited for any more; without it only the settings' timeouts count. */
  deadline?: Json;
  /** What else is remembered once the stack has taken the change. */
  assign?: JsonObject;
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
  const { suffix, purpose, what, desiredCount, payload = {}, deadline = null, assign, next, onFailure } = steps;
  const { by = 'change-stack' } = steps;
  const timeoutSeconds = steps.timeoutSeconds ?? settings.stackUpdateTimeoutSeconds;
  const common: JsonObject = {
    owner: '{% $states.context.Execution.Id %}',
    // Whoever takes over finds it under the name in the plan.
    execution: steps.keptUnder ?? '{% $plan.execution %}',
    attempt: '{% $string($states.context.Execution.RedriveCount) & "-" & $string($states.context.State.RetryCount) %}',
    purpose,
    stackName: settings.stackName,
    names: settings.names,
    desiredCount,
    deadline,
    ...payload,
  };
  const failure = onFailure ? { onFailure } : {};
  return {
    [`Propose${suffix}`]: invoke(
      by,
      { ...common, action: 'propose' },
      {
        comment: `Propose a change set: ${what}`,
        assign: { proposal: '{% $states.result.Payload %}' },
        poll: pollEvery(settings.pollIntervalSeconds, timeoutSeconds),
        next: `Inspect${suffix}`,
        ...failure,
      },
    ),
    [`Inspect${suffix}`]: invoke(
      by,
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
      by,
      { ...common, action: 'execute', changeSet: '{% $proposal.changeSet %}', outcome: '{% $inspection.outcome %}' },
      { comment: 'Execute the change set, unless it is empty', next: `Await${suffix}`, ...failure },
    ),
    [`Await${suffix}`]: invoke(
      by,
      { ...common, action: 'await', changeSet: '{% $proposal.changeSet %}', outcome: '{% $inspection.outcome %}' },
      {
        comment: 'Wait until the stack has taken the change; anything but UPDATE_COMPLETE is a failure',
        assign: { stackChange: '{% $states.result.Payload.lastChangeSet %}', ...assign },
        poll: pollEvery(settings.pollIntervalSeconds, timeoutSeconds),
        next,
        ...failure,
      },
    ),
  };
}

/**
 * Lets CloudFormation refuse, from whomever, an update that would delete or replace the database or its secrets: an old
 * template that is deployed from a repository has neither.
 */
export function protectStack(settings: Settings, step: { next: string; onFailure?: string }): TaskState {
  return invoke(
    'prepare-stack',
    {
      action: 'protect',
      owner: '{% $states.context.Execution.Id %}',
      stackName: settings.stackName,
      names: settings.names,
    },
    { comment: 'Let CloudFormation refuse updates that would delete or replace the database or its secrets', ...step },
  );
}

/** Takes back an update of ours that is under way, and waits until the stack is at rest. */
export function restStack(
  settings: Settings,
  step: { next: string; onFailure?: string; assign?: JsonObject },
): TaskState {
  return invoke(
    'change-stack',
    { action: 'rest', owner: '{% $states.context.Execution.Id %}', stackName: settings.stackName },
    {
      comment: 'Take back a stack update of ours that is under way, and wait until the stack is at rest',
      poll: pollEvery(settings.pollIntervalSeconds, settings.stackUpdateTimeoutSeconds),
      ...step,
    },
  );
}
