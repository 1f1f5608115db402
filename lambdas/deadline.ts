import { DeadlineExceeded, NotYet, Refused } from '../statemachine/errors.ts';

/**
 * Makes a handler that waits no longer than the write stop may last: what it would ask for again after the event's
 * `deadline` (an ISO time; null or absent for none) becomes DeadlineExceeded. A call that comes to its end still succeeds.
 *
 * @throws DeadlineExceeded in place of a NotYet after the deadline, Refused for a deadline that is no time
 */
export function withDeadline<Event extends { deadline?: string | null }, Result>(
  now: () => Date,
  handler: (event: Event) => Promise<Result>,
): (event: Event) => Promise<Result> {
  return async (event) => {
    const { deadline = null } = event;
    const end = deadline === null ? Number.POSITIVE_INFINITY : Date.parse(deadline);
    if (Number.isNaN(end)) {
      throw new Refused(
        `The deadline "${deadline}" is no time. Expected ISO 8601, or null. Correct the state machine.`,
      );
    }
    try {
      return await handler(event);
    } catch (error) {
      if (!(error instanceof NotYet) || now().getTime() <= end) throw error;
      throw new DeadlineExceeded(
        `The write stop may not last longer: at its deadline, ${deadline}, this was still being waited for: ${error.message}`,
        { cause: error },
      );
    }
  };
}
