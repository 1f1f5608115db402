import type { LockItem, LockStore } from '../lambdas/execution-lock/lock-store.ts';

/** Keeps the locks in memory, with the condition that DynamoDB would check. */
export function memoryLockStore(): LockStore {
  const items = new Map<string, LockItem>();
  return {
    read: async (stackName) => structuredClone(items.get(stackName)),
    async write(item, previousVersion) {
      if ((items.get(item.stackName)?.version ?? null) !== previousVersion) return false;
      items.set(item.stackName, structuredClone(item));
      return true;
    },
  };
}
