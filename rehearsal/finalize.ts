import type { Json, JsonObject } from '../statemachine/asl.ts';
import { messageIn } from '../statemachine/function-cause.ts';
import type { Stage } from './stage.ts';

const DAY_SECONDS = 86_400;

/**
 * Lets the days go by that an owner wants to see the relay serve from PostgreSQL, and runs the machine `finalize`.
 *
 * @returns the execution's output
 * @throws Error when it did not end as FinalizeComplete
 */
export async function finalize({ stepFunctions, clock, options }: Stage, input: Json): Promise<JsonObject> {
  const { settings, signal, observer } = options;
  const days = settings.confidenceDays + 1;
  observer.step(`${days} days go by, in which the relay serves from PostgreSQL`);
  await clock.skip(days * DAY_SECONDS, signal);
  const { status, output, error, cause } = await stepFunctions.start('finalize', input).done;
  signal.throwIfAborted();
  if (status === 'SUCCEEDED') return output as JsonObject;
  throw new Error(`The machine "finalize" ended as ${error ?? status}: ${messageIn(cause) ?? 'it gave no cause'}`);
}
