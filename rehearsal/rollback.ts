import type { Stage } from './stage.ts';

/**
 * What a week of writes to the new relay leaves behind, and then the operator's rollback. Nothing is said of how it ended;
 * whoever calls it looks at the world.
 */
export async function rollback({ author, options, stepFunctions }: Stage): Promise<void> {
  const { signal, observer, onFailure } = options;
  await author?.writeAfter();
  signal.throwIfAborted();
  observer.step('As in a week on PostgreSQL, events were added, replaced and deleted; now the rollback');
  stepFunctions.start('rollback', { onFailure });
  await stepFunctions.settled();
  signal.throwIfAborted();
}
