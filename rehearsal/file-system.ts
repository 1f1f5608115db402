import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSystems } from '../lambdas/file-systems.ts';
import type { ProvidedResource, ResourceProvider } from './cloudformation/provider.ts';

/** An EFS of this process: every file system stands for the one directory that the rehearsal has. */
export interface LocalFileSystems extends FileSystems {
  /** Makes AWS::EFS::FileSystem resources real, over the ids that `names` makes up. */
  provider(names: ResourceProvider): ResourceProvider;
}

export function createFileSystems(directory: string): LocalFileSystems {
  const ids = new Set<string>();
  const remember = (provided: ProvidedResource): ProvidedResource => {
    ids.add(provided.physicalId);
    return provided;
  };
  return {
    describe: async (id) => (ids.has(id) ? { bytes: await bytesIn(directory), state: 'available' } : undefined),
    // CloudFormation has taken them away with the stack's other resources.
    mountTargets: async () => [],
    deleteMountTarget: async () => {},
    async delete(id) {
      if (ids.delete(id)) await rm(directory, { recursive: true });
    },
    provider: (names) => ({
      create: async (resource, signal) => remember(await names.create(resource, signal)),
      update: async (resource, signal) => remember(await names.update(resource, signal)),
      async delete(resource, signal) {
        ids.delete(resource.previous?.physicalId ?? '');
        await names.delete(resource, signal);
      },
    }),
  };
}

async function bytesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
