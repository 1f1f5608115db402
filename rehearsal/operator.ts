import type { Stage } from './stage.ts';

/** After how long somebody has read the message, on the rehearsal's clock. */
const READING_SECONDS = 120;

/** How long `late` is after the end of the wait. */
const LATE_SECONDS = 60;

/** What people say to a cutover that waits for approval: the first of them counts, the others are told so. */
const ANSWERS: Record<'approve' | 'reject' | 'late', { by: string; answer: 'approve' | 'reject'; reason?: string }[]> =
  {
    approve: [
      { by: 'Ada', answer: 'approve' },
      { by: 'Grace', answer: 'approve' },
      { by: 'Grace', answer: 'reject', reason: 'not on a Friday' },
    ],
    reject: [
      { by: 'Ada', answer: 'reject', reason: 'not on a Friday' },
      { by: 'Grace', answer: 'approve' },
    ],
    late: [{ by: 'Ada', answer: 'approve' }],
  };

/** Answers the execution of `cutover` that waits, through the function that answers on AWS, as the rehearsal was asked to. */
export async function answerAsAsked(stage: Stage): Promise<void> {
  const { options, clock, world, stepFunctions } = stage;
  const { approval, signal, observer, settings } = options;
  const execution = stepFunctions.ofMachine('cutover')[0]?.execution.arn;
  if (approval === undefined || execution === undefined) return;
  await clock.sleep(approval === 'late' ? settings.approvalTimeoutSeconds + LATE_SECONDS : READING_SECONDS, signal);
  for (const given of ANSWERS[approval]) {
    const told = await world.answerApproval({ execution, ...given }).then(
      ({ sentence }) => sentence,
      ({ name, message }: Error) => `${name}: ${message}`,
    );
    observer.step(`${given.by} says ${given.answer}, and is told: ${told}`);
  }
}
