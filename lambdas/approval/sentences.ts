import type { Answer } from './approval-item.ts';

/** What a person is told who answers; the list shows that every case has one clear answer. */

const PAST = { approve: 'approved', reject: 'rejected' };

const byWhom = ({ answer, by, at }: Answer): string => `${PAST[answer]} by ${by} at ${at}`;

export function done(execution: string, given: Answer): string {
  const then =
    given.answer === 'approve'
      ? 'It looks at everything once more, and begins if the plan is still the same.'
      : 'It ends with nothing changed.';
  return `The execution ${execution} is ${byWhom(given)}. ${then}`;
}

export function already(execution: string, given: Answer): string {
  const rest =
    given.delivered === 'yes'
      ? 'Nothing more was done.'
      : `Nothing more was done; whether the execution has the answer is not known, and ${given.by} may repeat it.`;
  return `The execution ${execution} was ${byWhom(given)} already. ${rest}`;
}

export function alreadyAndOver(execution: string, given: Answer): string {
  return `The execution ${execution} was ${byWhom(given)} already and does not wait any more. Look there whether it has gone on.`;
}

export function otherwise(execution: string, given: Answer): string {
  const way =
    given.answer === 'approve'
      ? 'It cannot be rejected any more. To end it stop the execution; restore then brings the old relay back.'
      : 'It cannot be approved any more. Start a new cutover.';
  return `The execution ${execution} was ${byWhom(given)} already. ${way}`;
}

export function late(execution: string, expiresAt: string, now: Date): string {
  return `The execution ${execution} waited for an answer until ${expiresAt}, and it is ${now.toISOString()}. It has ended with nothing changed; start a new cutover.`;
}

export function waitsNoMore(execution: string): string {
  return `The execution ${execution} does not wait for an answer any more: its time was over, or it was stopped. It has changed nothing; start a new cutover.`;
}

export function neverAsked(execution: string): string {
  return `No answer is waited for by the execution ${execution}. Expected the ARN of a cutover that was started with {"approve": true} and stands at AskApproval; the message that asks for the approval names it.`;
}

/** The cause of the failure with which a rejected cutover ends. */
export function rejection(by: string, at: string, reason: string | null): string {
  return `${by} rejected the cutover at ${at}: ${reason ?? 'no reason was given'}`;
}

export function notSent(execution: string, cause: string): string {
  return `The answer for the execution ${execution} is recorded, but could not be sent to it: ${cause}. Repeat the same answer.`;
}
