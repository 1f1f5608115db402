import { expression, type States } from '../asl.ts';
import { expectedWriteStopSeconds } from '../expected-write-stop.ts';
import { functionPlaceholder } from '../functions.ts';
import type { Settings } from '../settings.ts';
import { catchAll, failure, RETRY_PASSING_ERRORS } from '../tasks.ts';

/** A condition without braces. An input that is no object, or has no such key, asks for no approval. */
const IS_ASKED_FOR = '$states.context.Execution.Input.approve = true';

interface Ways {
  onFailure: string;
  /** Where the world is looked at once more after an approval: the answer may have taken hours. */
  again: string;
  next: string;
}

/**
 * With `approve: true` in the input a person has to say yes before anything is changed. Every other way out of the wait ends
 * on the safe side: rejected, too late, or something else than what was approved, nothing was changed. What was approved is
 * remembered as it was shown, and compared with what the second look finds.
 */
export function approvalStates(settings: Settings, { onFailure, again, next }: Ways): States {
  return {
    NeedsApproval: {
      Type: 'Choice',
      Comment: 'Ask a person if the input says so; what was approved must still be what would be done',
      Choices: [
        { Condition: `{% ${IS_ASKED_FOR} and $approval = null %}`, Next: 'AskApproval' },
        { Condition: '{% $approval != null and $approval.preview != $string($plan.preview) %}', Next: 'PlanChanged' },
      ],
      Default: next,
    },
    AskApproval: {
      Type: 'Task',
      Comment: 'Tell people what the cutover will do, and wait until one of them approves or rejects it',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: {
        FunctionName: functionPlaceholder('request-approval'),
        Payload: {
          token: '{% $states.context.Task.Token %}',
          execution: '{% $states.context.Execution.Id %}',
          timeoutSeconds: settings.approvalTimeoutSeconds,
          stackName: settings.stackName,
          plan: {
            domain: '{% $plan.domain %}',
            preview: '{% $plan.preview %}',
            rows: '{% $authority.loadedRows %}',
            expectedWriteStopSeconds: expectedWriteStopSeconds(settings, '$authority.loadSeconds'),
          },
        },
      },
      TimeoutSeconds: settings.approvalTimeoutSeconds,
      // A rejection is an answer, and is not asked for again.
      Retry: [
        { ErrorEquals: ['ApprovalRejected'], IntervalSeconds: 1, MaxAttempts: 0, BackoffRate: 1 },
        ...RETRY_PASSING_ERRORS,
      ],
      Assign: {
        approval: {
          by: '{% $states.result.by %}',
          at: '{% $states.result.at %}',
          preview: '{% $string($plan.preview) %}',
        },
      },
      Catch: [
        {
          ErrorEquals: ['States.Timeout'],
          Assign: {
            failure: failure(
              'AskApproval',
              'ApprovalTimedOut',
              `nobody approved or rejected the cutover within ${settings.approvalTimeoutSeconds} s; start a new one when somebody is there to approve it`,
            ),
          },
          Next: onFailure,
        },
        ...catchAll(onFailure),
      ],
      Next: again,
    },
    PlanChanged: {
      Type: 'Pass',
      Comment: 'Say that what was approved is not what would be done any more',
      Assign: {
        failure: failure(
          'NeedsApproval',
          'PlanChanged',
          expression(
            '"what the cutover would change is not any more what " & $approval.by & " approved at " & $approval.at & ": somebody has changed the stack, the relay or the new image meanwhile; start again, and look at the new plan"',
          ),
        ),
      },
      Next: onFailure,
    },
  };
}
