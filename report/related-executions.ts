import type { Json } from '../statemachine/asl.ts';
import { type ExecutionAudit, parseExecutionArn } from './execution-audit.ts';

/**
 * The execution in whose place another one acts: the rule starts `restore` with the ARN of what it follows. Null for any other.
 */
export function precedingExecution({ machine, input }: Pick<ExecutionAudit, 'machine' | 'input'>): string | null {
  return machine === 'restore' ? executionIn(input) : null;
}

function executionIn(input: Json): string | null {
  const arn = typeof input === 'object' && input !== null && !Array.isArray(input) ? input.execution : undefined;
  return typeof arn === 'string' && parseExecutionArn(arn) ? arn : null;
}

/**
 * Reads what belongs to the story of an execution: itself, and for a `restore` the execution before it. Where that is not to be
 * had any more, the story begins later.
 *
 * @param read rejects with `ExecutionDoesNotExist` for what Step Functions has forgotten
 */
export async function readStory(
  read: (arn: string) => Promise<ExecutionAudit>,
  arn: string,
): Promise<[asked: ExecutionAudit, ...before: ExecutionAudit[]]> {
  const asked = await read(arn);
  const preceding = precedingExecution(asked);
  if (preceding === null) return [asked];
  const before = await read(preceding).catch((error: Error) => {
    if (error.name === 'ExecutionDoesNotExist') return null;
    throw error;
  });
  return before === null ? [asked] : [asked, before];
}
