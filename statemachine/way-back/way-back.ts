import type { States } from '../asl.ts';
import { changeSetStates, restStack } from '../change-set-states.ts';
import { awaitStopped, describeRelay, healthCheck, scaleDown, scaleUp } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { invoke, pollEvery } from '../tasks.ts';
import { stepEnded } from '../write-stop.ts';
import { reverseStates } from './reverse.ts';

/** The first state of the way back. */
export const WAY_BACK = 'AskAuthority';

/**
 * The way back to SQLite, the same for `cutover`, `restore` and `rollback`. Authority decides: while it is with the source, no relay has
 * written to PostgreSQL, and the old relay goes on with the old file as if nothing had been. Once it is with the target, the
 * new relay may have accepted events, and they are brought back first.
 *
 * It reads the variables `$plan`, `$samples`, `$proposal` (null: no change set was made), `$authorityAsked`,
 * `$reverseAttempt`, `$allowDeletions` and `$writeStop`. What most of its tasks do about their own failure is for the machine to say (see
 * `catching`): `cutover` fails there, and `restore` begins anew; `restore` halts, and a redrive begins it anew;
 * `rollback` starts the new relay again while PostgreSQL is the truth.
 *
 * @param next the state after the old relay serves again and the template says so
 * @param again where a person's redrive begins, after a reverse that did not succeed: it has to ask for the lock first
 * @param exhausted where a reverse goes that did not succeed in all of its attempts; without it the machine halts there
 */
export function wayBackStates(
  settings: Settings,
  { next, again, exhausted }: { next: string; again: string; exhausted?: string },
): States {
  return {
    [WAY_BACK]: {
      ...invoke('authority', withdraw(), {
        comment:
          'Ask the target who holds the truth; while that is the source, no copy made so far may be used any more',
        assign: { authority: '{% $states.result.Payload %}' },
        next: 'IsAuthorityKnown',
      }),
      // A target that does not answer may be the very reason for the way back.
      Catch: [{ ErrorEquals: ['States.ALL'], Assign: { authority: { holder: 'unknown' } }, Next: 'IsAuthorityKnown' }],
    },
    IsAuthorityKnown: {
      Type: 'Choice',
      Comment: 'A target that is silent holds the truth only if it was ever asked to',
      Choices: [
        { Condition: '{% $authority.holder = "unknown" and $authorityAsked %}', Next: 'AwaitAuthority' },
        { Condition: '{% $proposal = null %}', Next: 'StopRelays' },
      ],
      Default: 'RestStack',
    },
    // The driver names what the server says of a statement `error`.
    AwaitAuthority: invoke('authority', withdraw(), {
      comment: 'Without its answer nobody knows whether the old relay may start: ask until the target answers',
      assign: { authority: '{% $states.result.Payload %}' },
      poll: {
        ...pollEvery(settings.pollIntervalSeconds, settings.stackUpdateTimeoutSeconds),
        ErrorEquals: ['Error', 'error'],
      },
      next: 'RestStack',
    }),
    // An update under way would set the desired count again behind our back.
    RestStack: restStack(settings, { assign: { writeStop: stepEnded('stack at rest') }, next: 'StopRelays' }),
    // ECS starts a new task while the old one still drains, and two relays must never write to one SQLite file.
    StopRelays: scaleDown(settings, 'Ask ECS to stop whatever runs, or has not stopped yet', {
      next: 'IsCountToBeHeld',
    }),
    IsCountToBeHeld: {
      Type: 'Choice',
      Comment:
        'Once PostgreSQL has been the truth the template may say 1, and an update that CloudFormation rolls back would start the new relay again',
      Choices: [{ Condition: '{% $authority.holder = "target" %}', Next: 'ProposeHoldWayBack' }],
      Default: 'AwaitRelaysStopped',
    },
    ...changeSetStates(settings, {
      suffix: 'HoldWayBack',
      purpose: 'hold-at-zero',
      what: 'the desired count in the template becomes 0, so that no stack update starts a relay on the way back',
      desiredCount: 0,
      next: 'AwaitRelaysStopped',
    }),
    AwaitRelaysStopped: awaitStopped(settings, {
      comment: 'Stop every task of the family, those started by hand too, and wait until all have stopped',
      stop: true,
      next: 'WhoHoldsTruth',
    }),
    WhoHoldsTruth: {
      Type: 'Choice',
      Comment: 'What PostgreSQL alone has must come back first; an untouched template needs no change set',
      Choices: [
        { Condition: '{% $authority.holder = "target" %}', Next: 'RunReverse' },
        {
          // Whatever somebody has deployed meanwhile: the template is as it was, and so was the task definition.
          Condition: '{% $proposal = null %}',
          Assign: { relay: { taskDefinition: '{% $plan.oldTaskDefinition %}' } },
          Next: 'ScaleUpOldRelay',
        },
      ],
      Default: 'ProposeRestore',
    },
    ...reverseStates(settings, { again, next: 'ProposeRestore', ...(exhausted !== undefined && { exhausted }) }),
    ...changeSetStates(settings, {
      suffix: 'Restore',
      purpose: 'restore',
      what: 'the template of the relay on SQLite and its image, with the desired count still 0',
      desiredCount: 0,
      assign: { writeStop: stepEnded('template of the old relay') },
      next: 'DescribeOldRelay',
    }),
    DescribeOldRelay: describeRelay({ next: 'ScaleUpOldRelay' }),
    ScaleUpOldRelay: scaleUp(settings, 'Start the relay on SQLite again', { next: 'HealthCheckOldRelay' }),
    HealthCheckOldRelay: healthCheck(settings, {
      deadline: null,
      // Those that came back with a reverse were looked for in PostgreSQL after the stop.
      maySamplesBeDeleted: '{% $authority.holder != "target" %}',
      next: 'ProposeSettleRestored',
    }),
    ...changeSetStates(settings, {
      suffix: 'SettleRestored',
      purpose: 'settle-restored',
      what: 'the desired count in the template becomes 1 again',
      desiredCount: 1,
      next,
    }),
  };
}

/** Words for a cause or an output, as an expression without braces. */
export function servesAgain(why: string): string {
  return `"The old relay serves from SQLite again and nothing was lost" & ${why} & ($authority.holder = "target" ? " What PostgreSQL had accepted meanwhile was brought back to SQLite first." : "")`;
}

/** The payload that asks who holds the truth and, while that is the source, declares every copy made so far for stale. */
export function withdraw(): Record<string, string> {
  return {
    action: 'withdraw',
    runId:
      '{% $states.context.Execution.Name & "/" & $string($states.context.Execution.RedriveCount) & "/withdrawn" %}',
  };
}
