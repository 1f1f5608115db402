import { createHandler } from '../lambdas/answer-approval.ts';
import type { Publish } from '../lambdas/notifications.ts';
import type { TaskTokens } from '../rehearsal/interpreter/task-tokens.ts';
import type { Run } from './run.ts';

/** The person who is asked, and answers as the faults say; else approves after a minute. */
export function answerApprovals(runOf: () => Run, taskTokens: TaskTokens): Publish {
  return async (subject) => {
    if (!subject.startsWith('Approval wanted')) return;
    const run = runOf();
    const { cloud, stepFunctions } = run;
    const { clock, settings } = cloud;
    const answer = createHandler({
      approvals: cloud.clients.approvals,
      tasks: {
        succeed: async (token, output) => taskTokens.succeed(token, output),
        fail: async (token, error, cause) => taskTokens.fail(token, error, cause),
      },
      now: clock.now,
    });
    const answers = cloud.approval;
    cloud.approval = undefined;
    const waiting = stepFunctions.ofMachine('cutover').filter(({ execution }) => execution.status === 'RUNNING');
    const say = (word: 'approve' | 'reject', by: string) => async (): Promise<void> => {
      for (const { execution } of waiting) {
        const reason = word === 'reject' ? { reason: 'not today' } : {};
        try {
          await answer({ execution: execution.arn, answer: word, by, ...reason });
          if (word === 'approve') cloud.records.approved.add(execution.name);
        } catch (error) {
          run.say(`   ${by} cannot answer: ${(error as Error).message}`);
        }
      }
    };
    const late = settings.approvalTimeoutSeconds + 60;
    const word = answers === 'reject' ? 'reject' : 'approve';
    if (answers !== 'never') clock.after(answers === 'late' ? late : 60, say(word, 'one person'));
    if (answers === 'twice') clock.after(60, say('reject', 'another person'));
  };
}
