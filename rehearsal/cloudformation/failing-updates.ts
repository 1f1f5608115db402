import type { ResourceProvider } from './provider.ts';

/** The reason of an update that neither succeeds nor fails: whoever cancels it is not kept waiting. */
export const NEVER_ENDS = 'never ends';

/** Lets the next update of a type fail once, as a resource handler does, so that the stack rolls back. */
export function withFailingUpdates(resources: ResourceProvider, failing: Map<string, string>): ResourceProvider {
  return {
    ...resources,
    async update(resource, signal) {
      const reason = failing.get(resource.type);
      failing.delete(resource.type);
      if (reason === NEVER_ENDS) return new Promise(() => {});
      if (reason !== undefined) throw new Error(reason);
      return resources.update(resource, signal);
    },
  };
}
