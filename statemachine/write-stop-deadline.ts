import { expression } from './asl.ts';
import { forwardSeconds, type Settings } from './settings.ts';

/** Below this a task could not even start; the deadline is then missed by a little and the way back begins. */
const TIMEOUT_SECONDS_MIN = 30;

/** Expression for `$deadline`: until when, as ISO time, the way forward may take; counted from now. */
export function deadlineFromNow(settings: Settings): string {
  return `{% $fromMillis($toMillis($now()) + ${forwardSeconds(settings) * 1000}) %}`;
}

/** A condition without braces: the deadline has not come yet. */
export const TIME_IS_LEFT = '$toMillis($now()) < $toMillis($deadline)';

/** Expression for a timeout in seconds: what is left until the deadline, and no more than `secondsMax`. */
export function secondsLeft(secondsMax: number): string {
  return expression(
    `$max([${TIMEOUT_SECONDS_MIN}, $min([${secondsMax}, $floor(($toMillis($deadline) - $toMillis($now())) / 1000)])])`,
  );
}

/** Words for a cause: how long a write stop may be, and what of it is kept back. */
export function limitInWords({ writeStopSecondsMax, wayBackSecondsReserved }: Settings): string {
  return `the write stop may last ${writeStopSecondsMax} s, of which ${wayBackSecondsReserved} s are kept for the way back`;
}
