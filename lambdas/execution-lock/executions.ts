import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { messageIn } from '../../statemachine/function-cause.ts';

/** What Step Functions tells of an execution; error and cause only where it ended badly. */
export interface ExecutionDescription {
  status: string;
  error?: string | undefined;
  cause?: string | undefined;
}

/** Tells how an execution stands; rejects with `ExecutionDoesNotExist` where there is none. */
export type DescribeExecution = (arn: string) => Promise<ExecutionDescription>;

/** `in order`: it came to a good end, or Step Functions no longer knows it (it forgets executions after 90 days). */
export type Standing = 'running' | 'in order' | 'in the middle';

/** Of a cause in one sentence: more is in the execution's own history. */
const CAUSE_CHARACTERS_MAX = 2_000;

/** Endings of `cutover` and `rollback` after which a relay serves, also where the lock could not be given back. */
const ERRORS_IN_ORDER = ['RolledBack', 'NotRolledBack', 'PreflightFailed'];

const ENDED_IN_THE_MIDDLE = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** How an execution stands that has not released its lock, and how it ended, in words. */
export async function standingOf(
  describe: DescribeExecution,
  arn: string,
): Promise<{ standing: Standing; words: string }> {
  try {
    const description = await describe(arn);
    const { status } = description;
    if (!ENDED_IN_THE_MIDDLE.includes(status))
      return { standing: status === 'SUCCEEDED' ? 'in order' : 'running', words: status };
    const inOrder = ERRORS_IN_ORDER.includes(description.error ?? '');
    return { standing: inOrder ? 'in order' : 'in the middle', words: inWords(description) };
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionDoesNotExist')
      return { standing: 'in order', words: 'an execution that is long forgotten' };
    throw error;
  }
}

/** `ABORTED (StoppedByHand: somebody pressed Stop)`; a function's cause is JSON around its message. */
function inWords({ status, error, cause }: ExecutionDescription): string {
  const said = [error, messageIn(cause)?.slice(0, CAUSE_CHARACTERS_MAX)].filter(Boolean).join(': ');
  return said === '' ? status : `${status} (${said})`;
}

export function describedBy(client: Pick<SFNClient, 'send'>): DescribeExecution {
  return async (executionArn) => {
    const { status = 'RUNNING', error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return { status, error, cause };
  };
}
