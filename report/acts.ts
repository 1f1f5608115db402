import { jsonObject } from './json-object.ts';
import { masked, messageOf, type Past } from './past.ts';
import type { Act } from './report-schema.ts';

/**
 * What people did about an execution. Who started or redrove it the history does not say (CloudTrail does); who approved it
 * says the answer itself.
 */
export function actsOf({ audit, runs, visits }: Past): Act[] {
  const { machine, startedAt, input, status, error, cause, stoppedAt } = audit;
  const asked = typeof input === 'object' && input !== null && !Array.isArray(input) ? input : {};
  const remark = typeof asked.comment === 'string' ? masked(asked.comment) : null;
  const because =
    machine === 'restore' && typeof asked.execution === 'string' ? `By the rule, after ${asked.execution}` : null;
  const acts: Act[] = [{ at: startedAt, machine, act: 'started', by: null, remark: remark ?? because }];
  for (const visit of visits.filter(({ record }) => record.name === 'AskApproval')) {
    const answer = visit.record.error === null ? jsonObject(visit.output) : undefined;
    if (typeof answer?.by === 'string') {
      const { reason, at } = answer;
      acts.push({
        at: typeof at === 'string' ? at : visit.record.enteredAt,
        ...{ machine, act: 'approved', by: answer.by },
        remark: typeof reason === 'string' ? masked(reason) : null,
      });
    }
    const rejection = visit.failures.find((failure) => failure.error === 'ApprovalRejected');
    if (rejection) acts.push(rejected(machine, rejection));
  }
  for (const { from } of runs.slice(1)) {
    acts.push({ at: new Date(from).toISOString(), machine, act: 'redriven', by: null, remark: null });
  }
  if (status === 'ABORTED') {
    const said = [error, cause === null ? null : messageOf(cause)].filter(Boolean).join(': ');
    acts.push({ at: stoppedAt ?? startedAt, machine, act: 'stopped', by: null, remark: said || null });
  }
  return acts;
}

/** The cause is the sentence of lambdas/approval/sentences.ts: `<who> rejected the cutover at <when>: <why>`. */
function rejected(machine: string, { at, cause }: { at: number; cause: string }): Act {
  const message = messageOf(cause);
  const [, by = null, when, why = message] = /^(.*) rejected the cutover at (\S+): (.*)$/s.exec(message) ?? [];
  return { at: when ?? new Date(at).toISOString(), machine, act: 'rejected', by, remark: why };
}
