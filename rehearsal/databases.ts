import type { DatabaseInstance } from '../lambdas/preflight/surroundings.ts';
import type { TargetAddress } from '../lambdas/target-database.ts';
import type { ProvidedResource, ResolvedResource, ResourceProvider } from './cloudformation/provider.ts';

/** An RDS of this process: every instance stands for the one PostgreSQL that the rehearsal has. */
export interface LocalDatabases {
  describe(instance: string): DatabaseInstance | undefined;
  /** Makes AWS::RDS::DBInstance resources real, over the ids that `names` makes up. */
  provider(names: ResourceProvider): ResourceProvider;
}

export function createDatabases(address: TargetAddress): LocalDatabases {
  const instances = new Map<string, DatabaseInstance>();
  const remember = ({ properties }: ResolvedResource, provided: ProvidedResource): ProvidedResource => {
    instances.set(provided.physicalId, {
      status: 'available',
      address,
      engine: String(properties.Engine),
      engineVersion: String(properties.EngineVersion),
      publiclyAccessible: properties.PubliclyAccessible === true,
      iamAuthentication: properties.EnableIAMDatabaseAuthentication === true,
    });
    return provided;
  };
  return {
    describe: (instance) => instances.get(instance),
    provider: (names) => ({
      create: async (resource, signal) => remember(resource, await names.create(resource, signal)),
      update: async (resource, signal) => remember(resource, await names.update(resource, signal)),
      async delete(resource, signal) {
        instances.delete(resource.previous?.physicalId ?? '');
        await names.delete(resource, signal);
      },
    }),
  };
}
