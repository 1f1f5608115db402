import { Refused } from '../../statemachine/errors.ts';
import { defaultTemplateNames } from '../template-edits/names.ts';
import { keptOriginal, originalKeys } from './artefacts.ts';
import type { ChangeStackDependencies, FindOriginalEvent } from './event.ts';

export interface FoundOriginal {
  /** Name of the execution under which it was kept. */
  execution: string;
  /** The image of the old relay. */
  image: string;
}

/**
 * Finds what a cutover kept of the stack as it was before its first edit. Throws Refused where it is gone, or where the image of
 * the old relay is: the relay could not come back then, and it is better to know that while another one serves.
 */
export async function findOriginal(
  { artefacts, askRegistry }: ChangeStackDependencies,
  { stackName, execution, names = defaultTemplateNames }: FindOriginalEvent,
): Promise<FoundOriginal> {
  const keys = originalKeys(stackName, execution);
  const original = await keptOriginal(artefacts, keys);
  const image = original?.values.get(names.imageParameter);
  if (image === undefined) {
    throw new Refused(
      `There is no ${keys.template} among the artefacts, or no ${names.imageParameter} in ${keys.parameters}. Expected what the cutover ${execution} kept of the stack. Without it nobody knows the image of the old relay: restore an earlier version of these objects, then start again.`,
    );
  }
  const answer = await askRegistry(image);
  if (answer.status !== 'missing') return { execution, image };
  throw new Refused(
    `${answer.reason}: the old relay could not start. Nothing was changed. Push the image again, then start again.`,
  );
}
