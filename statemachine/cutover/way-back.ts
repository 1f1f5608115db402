import type { States } from '../asl.ts';
import { changeSetStates } from '../change-set-states.ts';
import { awaitStopped, describeRelay, healthCheck, scale } from '../relay-states.ts';
import type { Settings } from '../settings.ts';
import { invoke } from '../tasks.ts';

/** Another execution may have taken authority meanwhile, so a target that answers is believed whatever was asked here. */
const SOURCE_HOLDS_TRUTH =
  '($authority.holder = "source" or ($authority.holder = "unknown" and $not($authorityAsked)))';

/**
 * The way back to SQLite. It looks at authority first: while that is with the source, no relay has written to PostgreSQL,
 * and the old relay goes on with the old file as if nothing had been.
 *
 * No state here has a way out for its own failure: it stays failed, and a redrive repeats it.
 */
export function wayBackStates(settings: Settings): States {
  return {
    AskAuthority: {
      ...invoke(
        'authority',
        { action: 'read' },
        { comment: 'Something failed: ask the target who holds the truth', next: 'WayBack' },
      ),
      Assign: { authority: '{% $states.result.Payload %}' },
      // A target that does not answer may be the very reason for the way back.
      Catch: [{ ErrorEquals: ['States.ALL'], Assign: { authority: { holder: 'unknown' } }, Next: 'WayBack' }],
    },
    WayBack: {
      Type: 'Choice',
      Comment: 'The source holds the truth when the target says so, or is silent and was never asked to take it',
      Choices: [{ Condition: `{% ${SOURCE_HOLDS_TRUTH} %}`, Next: 'StopRelays' }],
      Default: 'StoppedOnTarget',
    },
    // ECS starts a new task while the old one still drains, and two relays must never write to one SQLite file.
    StopRelays: scale(0, 'Ask ECS to stop whatever runs, or has not stopped yet', { next: 'AwaitRelaysStopped' }),
    AwaitRelaysStopped: awaitStopped(
      settings,
      'Wait until every task of the family has stopped, those started by hand too',
      { next: 'IsTemplateTouched' },
    ),
    IsTemplateTouched: {
      Type: 'Choice',
      Comment: 'Before the first change set the template is as it was, and no copy of it was kept',
      Choices: [{ Condition: '{% $proposal = null %}', Next: 'DescribeOldRelay' }],
      Default: 'ProposeRestore',
    },
    ...changeSetStates(settings, {
      suffix: 'Restore',
      purpose: 'restore',
      what: 'the original template and its parameter values, with the desired count still 0',
      desiredCount: 0,
      next: 'DescribeOldRelay',
    }),
    DescribeOldRelay: describeRelay({ next: 'ScaleUpOldRelay' }),
    ScaleUpOldRelay: scale(1, 'Start the relay on SQLite again', { next: 'HealthCheckOldRelay' }),
    HealthCheckOldRelay: healthCheck(settings, { next: 'ProposeSettleRestored' }),
    ...changeSetStates(settings, {
      suffix: 'SettleRestored',
      purpose: 'settle-restored',
      what: 'the desired count in the template becomes 1 again',
      desiredCount: 1,
      next: 'RolledBack',
    }),
    RolledBack: {
      Type: 'Fail',
      Comment: 'The old relay serves from SQLite; no row was lost',
      Error: 'RolledBack',
      Cause:
        '{% "The old relay serves from SQLite again and nothing was lost, because " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}',
    },
    StoppedOnTarget: {
      Type: 'Fail',
      Comment: 'PostgreSQL may hold events that SQLite never saw; starting the old relay would lose them',
      Error: 'StoppedOnTarget',
      Cause:
        '{% "Authority is not with the source (" & $authority.holder & "), so the old relay was not started: PostgreSQL may hold events that it never saw. " & $failure.state & " failed with " & $failure.error & ": " & $failure.cause %}',
    },
  };
}
