import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkAndStorage } from '../lambdas/preflight/network-and-storage.ts';
import type { Surroundings } from '../lambdas/preflight/surroundings.ts';
import type { LocalDatabases } from './databases.ts';
import type { LocalEcs } from './ecs/local-ecs.ts';

/** What the preflights ask of AWS beside the stack: as far as this machine has it. */
export function localSurroundings(databases: LocalDatabases, ecs: LocalEcs): Surroundings {
  return {
    database: async (instance) => databases.describe(instance),
    deregistrationDelaySeconds: async (targetGroup) => ecs.deregistrationDelays.get(targetGroup) ?? 0,
    askRegistry: async (image) => ({ status: 'unknown', reason: `the rehearsal asks no registry for ${image}` }),
  };
}

/** A quiet network with room for everything; the file system is the directory that stands for it. */
export function localNetworkAndStorage(efsDirectory: string): NetworkAndStorage {
  return {
    subnets: async (ids) => ids.map((id, index) => ({ id, zone: `zone-${index + 1}`, freeAddresses: 250 })),
    closedPorts: async () => [],
    async fileSystemBytes() {
      const names = await readdir(efsDirectory);
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(efsDirectory, name))).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    scalableTargets: async () => 0,
    drifted: async () => [],
  };
}
