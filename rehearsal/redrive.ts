import type { Execution } from './interpreter/execution.ts';
import type { Stage } from './stage.ts';
import type { MachineName } from './step-functions.ts';

/** After how long an operator redrives, on the rehearsal's clock. */
const OPERATOR_SECONDS = 600;

/**
 * What an operator does with an execution that did not succeed: the cause is removed, and the execution redriven; again while
 * it halts, once for each fault at most. Without `--then redrive` nobody does anything.
 *
 * @returns how the execution ended at last
 */
export async function redriveWhereAsked(
  stage: Stage,
  machine: MachineName,
  execution: Execution,
): Promise<Awaited<Execution['done']>> {
  const { options, stepFunctions, clock } = stage;
  const { signal, observer, afterwards } = options;
  const faults = options.faults.filter((fault) => (fault.machine ?? 'cutover') === machine);
  let end = await execution.done;
  for (let redrives = 0; afterwards === 'redrive' && redrives < Math.max(1, faults.length); redrives++) {
    if (end.status === 'SUCCEEDED' || (redrives > 0 && end.error !== 'HeldForOperator')) break;
    for (const { repair } of faults) await repair?.(stage);
    // A person needs a while to find out.
    await clock.sleep(OPERATOR_SECONDS, signal);
    observer.step('The cause is removed and the execution redriven');
    stepFunctions.redrive(execution);
    await stepFunctions.settled();
    signal.throwIfAborted();
    end = await execution.done;
  }
  return end;
}
