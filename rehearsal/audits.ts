import type { ExecutionAudit } from '../report/execution-audit.ts';
import type { Json } from '../statemachine/asl.ts';
import type { ExecutionResult } from './interpreter/execution.ts';
import type { StartedExecution } from './step-functions.ts';

/** What Step Functions would tell of an execution of a rehearsal, as it stands now. */
export async function auditOf({ machine, execution, definition }: StartedExecution): Promise<ExecutionAudit> {
  const { arn, name, status, redriveCount } = execution;
  const result: ExecutionResult | null = status === 'RUNNING' ? null : await execution.done;
  const history = [...execution.history];
  const [started] = history;
  return {
    ...{ machine, arn, name, status, redrives: redriveCount, history, definition },
    startedAt: (started?.timestamp ?? new Date(0)).toISOString(),
    stoppedAt: result && (history.at(-1)?.timestamp?.toISOString() ?? null),
    input: JSON.parse(started?.executionStartedEventDetails?.input ?? 'null') as Json,
    output: result?.output ?? null,
    error: result?.error ?? null,
    cause: result?.cause ?? null,
  };
}
