import { z } from 'zod';
import { Refused } from '../../statemachine/errors.ts';

/** Step Functions takes a cause of 32,768 characters; a person needs fewer. */
const REASON_CHARACTERS_MAX = 2_000;

const answerSchema = z
  .strictObject({
    /** ARN of the execution that waits. */
    execution: z
      .string()
      .regex(/^arn:[^:]+:states:[^:]+:\d+:execution:[^:]+:[^:]+$/, 'expected the ARN of an execution of cutover'),
    answer: z.enum(['approve', 'reject']),
    by: z.string().trim().min(1, 'expected the name of whoever answers').max(200),
    reason: z.string().trim().min(1).max(REASON_CHARACTERS_MAX).optional(),
  })
  .refine(({ answer, reason }) => answer === 'approve' || reason !== undefined, {
    path: ['reason'],
    error: 'expected why the cutover is rejected; it stands in the ending of the execution',
  });

export type AnswerEvent = z.output<typeof answerSchema>;

/** @throws Refused with every finding */
export function parseAnswer(event: unknown): AnswerEvent {
  const result = answerSchema.safeParse(event);
  if (result.success) return result.data;
  const findings = result.error.issues.map(({ path, message }) => `${path.join('.') || '(answer)'}: ${message}`);
  throw new Refused(`The answer is not right, and nothing was done: ${findings.join('; ')}.`);
}
