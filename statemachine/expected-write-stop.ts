import type { Settings } from './settings.ts';

/** As seen in the cloud, most of it the image's pull; the relay and the migrator start once each within the write stop. */
const TASK_START_SECONDS = 60;
/** A change set that gives the service another task definition while its desired count is 0. */
const SWITCH_SECONDS = 90;

/** What of a write stop does not depend on the rows, in seconds: the second look, the two starts, the switch. */
export function writeStopSecondsBesideRows({ quietGapSeconds }: Settings): number {
  return quietGapSeconds + 2 * TASK_START_SECONDS + SWITCH_SECONDS;
}

/**
 * Expression for how long the write stop will be, in seconds: the reconcile compares every row, which takes no longer than to
 * load them all.
 *
 * @param loadSeconds an expression without braces for how long the newest load took
 */
export function expectedWriteStopSeconds(settings: Settings, loadSeconds: string): string {
  return `{% ${writeStopSecondsBesideRows(settings)} + $ceil(${loadSeconds}) %}`;
}
