import { z } from 'zod';

/** What a person may say at the start of an execution. `{}` does the right thing; an unknown key is a mistake and is refused. */
const inputSchema = z.strictObject({
  /** What a failure leads to: the way back to the old relay (the default), or a halt until an operator redrives. */
  onFailure: z.enum(['rollback', 'hold']).optional(),
  /** For the audit; the machine does not look at it. */
  comment: z.string().optional(),
});

/** One sentence for each thing that is wrong with an execution's input, or nothing. */
export function inputFindings(input: unknown): string | undefined {
  const result = inputSchema.safeParse(input);
  if (result.success) return undefined;
  const findings = result.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`,
  );
  return `The input of the execution is not right: ${findings.join('; ')}. Known: ${Object.keys(inputSchema.shape).join(', ')}.`;
}
