import type { ItemStore, LockItem, Versioned } from '../lambdas/execution-lock/lock-store.ts';

/** Keeps the locks, or other items, in memory, with the condition that DynamoDB would check. */
export function memoryLockStore<Item extends Versioned = LockItem>(): ItemStore<Item> {
  const items = new Map<string, Item>();
  return {
    read: async (stackName) => structuredClone(items.get(stackName)),
    async write(item, previousVersion) {
      if ((items.get(item.stackName)?.version ?? null) !== previousVersion) return false;
      items.set(item.stackName, structuredClone(item));
      return true;
    },
  };
}
