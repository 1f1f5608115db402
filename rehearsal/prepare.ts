import { setTimeout as pause } from 'node:timers/promises';
import { Refused } from '../statemachine/errors.ts';
import { messageIn } from '../statemachine/function-cause.ts';
import { redriveWhereAsked } from './redrive.ts';
import type { Stage } from './stage.ts';
import { servedEvents } from './writer.ts';

const RELAY_START_MILLISECONDS = 20_000;

/** Errors of a state whose repetition would end alike: what was given to the rehearsal is not as it has to be. */
const REFUSALS = /failed with (Refused|MigrationFailed|VerificationFailed): /;

/**
 * Runs the machine `prepare`: the stack gets its database, and all rows are loaded while the relay is live and clients publish.
 *
 * @throws Refused when the template, the source or the target will not do, Error when the machine failed otherwise
 */
export async function prepare(stage: Stage): Promise<void> {
  const { stepFunctions, options } = stage;
  const { signal, onFailure, faults } = options;
  // What is asked for when a cutover fails is asked for here only where something fails on purpose.
  const isBroken = faults.some(({ machine }) => machine === 'prepare');
  const execution = stepFunctions.start('prepare', isBroken ? { onFailure } : {});
  const { status, error, cause } = await redriveWhereAsked(stage, 'prepare', execution);
  signal.throwIfAborted();
  if (status === 'SUCCEEDED') return;
  const said = `The machine "prepare" ended as ${error ?? status}: ${messageIn(cause) ?? 'it gave no cause'}`;
  throw REFUSALS.test(said) ? new Refused(said) : new Error(said);
}
/** @throws Error when the relay does not come up, or does not answer for this domain */
export async function untilRelayAnswers({ world, domain, options }: Stage): Promise<void> {
  const deadline = Date.now() + RELAY_START_MILLISECONDS;
  for (;;) {
    try {
      await servedEvents(world.endpoint, []);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (Date.now() > deadline) {
        throw new Error(
          `The old relay does not answer for ${domain}: ${(error as Error).message}. If the data belongs to another domain, say --parameter RelayDomainName=<domain>.`,
        );
      }
      await pause(100);
    }
  }
}
