import { randomBytes } from 'node:crypto';
import type { ProvidedResource, ResolvedResource, ResourceProvider } from './cloudformation/provider.ts';

/** A Secrets Manager of this process: values by ARN. */
export interface LocalSecrets {
  value(secretId: string): string;
  /** Makes AWS::SecretsManager::Secret resources real, over the ids that `names` makes up. */
  provider(names: ResourceProvider): ResourceProvider;
}

/**
 * @param overrides values by logical id, in place of what the template says: the address of the local database stands in
 *   for the one that RDS would have
 */
export function createSecrets(overrides: Record<string, string>): LocalSecrets {
  const values = new Map<string, string>();
  const remember = ({ logicalId, properties }: ResolvedResource, provided: ProvidedResource): ProvidedResource => {
    const { SecretString } = properties;
    const value =
      overrides[logicalId] ?? (typeof SecretString === 'string' ? SecretString : randomBytes(16).toString('hex'));
    values.set(provided.physicalId, value);
    return provided;
  };
  return {
    value(secretId) {
      const found = values.get(secretId);
      if (found !== undefined) return found;
      throw Object.assign(new Error(`Secrets Manager can't find the specified secret: ${secretId}`), {
        name: 'ResourceNotFoundException',
      });
    },
    provider: (names) => ({
      create: async (resource, signal) => remember(resource, await names.create(resource, signal)),
      update: async (resource, signal) => remember(resource, await names.update(resource, signal)),
      delete: (resource, signal) => names.delete(resource, signal),
    }),
  };
}
