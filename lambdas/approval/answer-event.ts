import { z } from 'zod';
import { Refused } from '../../statemachine/errors.ts';
import { findingsIn } from '../../statemachine/findings.ts';

/** Step Functions takes a cause of 32,768 characters; a person needs fewer. */
const REASON_CHARACTERS_MAX = 2_000;

/** The longest of an execution has about 240; the key of an item in DynamoDB may have 2,048 bytes. */
const ARN_CHARACTERS_MAX = 500;

const answerSchema = z
  .strictObject({
    /** ARN of the execution that waits. */
    execution: z
      .string()
      .max(ARN_CHARACTERS_MAX)
      .regex(/^arn:[\w-]+:states:[\w-]+:\d+:execution:[\w-]+:[\w.-]+$/, 'expected the ARN of an execution of cutover'),
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
  throw new Refused(
    `The answer is not right, and nothing was done: ${findingsIn(result.error, '(answer)').join('; ')}.`,
  );
}
