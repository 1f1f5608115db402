import { z } from 'zod';
import { findingsIn } from './findings.ts';
import type { MachineName } from './machine-names.ts';

const common = {
  /** What a failure leads to: the machine's own way to an ending (the default), or a halt until an operator redrives. */
  onFailure: z.enum(['rollback', 'hold']).optional(),
  /** For the audit; the machine does not look at it. */
  comment: z.string().optional(),
};

/**
 * What a person may say at the start of an execution. `{}` does the right thing; an unknown key is a mistake and is refused.
 * `restore` is started by a rule, and must not fail on its input.
 */
const inputSchemas = {
  prepare: z.strictObject(common),
  cutover: z.strictObject({
    onFailure: common.onFailure,
    /** True: it shows what it will do, and changes nothing until a person has approved it. */
    approve: z.boolean().optional(),
    comment: common.comment,
  }),
  rollback: z.strictObject({
    ...common,
    /** The way back may delete more rows of SQLite than is usual: the new relay did delete them. */
    allowDeletions: z.boolean().optional(),
  }),
  finalize: z.strictObject({
    ...common,
    /** Without it the file system is kept, outside the stack. */
    deleteFileSystem: z.boolean().optional(),
  }),
} satisfies Partial<Record<MachineName, z.ZodType>>;

/** One sentence for each thing that is wrong with an execution's input, or nothing. */
export function inputFindings(machine: keyof typeof inputSchemas, input: unknown): string | undefined {
  const schema = inputSchemas[machine];
  const result = schema.safeParse(input);
  if (result.success) return undefined;
  const findings = findingsIn(result.error, '');
  return `The input of the execution is not right: ${findings.join('; ')}. Known: ${Object.keys(schema.shape).join(', ')}.`;
}
