import { createCloudFormation, type LocalCloudFormation } from '../../rehearsal/cloudformation/local-cloudformation.ts';
import { madeUpResources } from '../../rehearsal/cloudformation/made-up-resources.ts';
import type { ResolvedResource, ResourceProvider } from '../../rehearsal/cloudformation/provider.ts';
import { preparedTemplate } from './prepared-template.ts';

export const stackName = 'sphere-zooid-relay';
export const place = { region: 'me-central-1', accountId: '111122223333' };
export const templateText = preparedTemplate;

/** The values of the parameters without default; the secret key and the password are what no answer may show. */
export const secretKey = 'c0ffee'.padEnd(64, '0');
export const password = 'Generated0Password0Of0The0Tests0';
export const parameters = { RelaySecretKey: secretKey, AdminPubkey: 'a'.repeat(64), AdminPubkeys: '"a","b"' };

/** A clock on which every wait is over at once, but not in the same turn: what is in progress can be seen. */
export const quickClock = {
  now: () => new Date(),
  sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 2)),
};

export interface RecordedCall {
  verb: 'create' | 'update' | 'delete';
  resource: ResolvedResource;
}

export interface RecordingProvider extends ResourceProvider {
  calls: RecordedCall[];
  /** Looked at before each call: throw to fail it, wait to delay it. */
  before: (call: RecordedCall) => Promise<void>;
}

/** The made-up resources, with a record of what was asked of them. */
export function recordingProvider(): RecordingProvider {
  const madeUp = madeUpResources(place);
  const noted = async (verb: RecordedCall['verb'], resource: ResolvedResource) => {
    const call = { verb, resource: structuredClone(resource) };
    provider.calls.push(call);
    await provider.before(call);
  };
  const provider: RecordingProvider = {
    calls: [],
    before: async () => {},
    create: async (resource) => {
      await noted('create', resource);
      return madeUp.create(resource);
    },
    update: async (resource) => {
      await noted('update', resource);
      return madeUp.update(resource);
    },
    delete: async (resource) => {
      await noted('delete', resource);
      return madeUp.delete(resource);
    },
  };
  return provider;
}

/** The relay's stack, deployed from the template of the rehearsal; the record begins after the deployment. */
export async function deployedStack(
  text = templateText,
  more: Record<string, string> = {},
): Promise<{ local: LocalCloudFormation; provider: RecordingProvider }> {
  const provider = recordingProvider();
  const local = createCloudFormation({
    clock: quickClock,
    ...place,
    resources: provider,
    resolveSecret: async () => password,
    pageSize: 2,
  });
  await local.deploy(stackName, text, { ...parameters, ...more });
  provider.calls.length = 0;
  return { local, provider };
}
