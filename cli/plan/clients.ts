import type { SFNClient } from '@aws-sdk/client-sfn';
import type { FileSystems } from '../../lambdas/file-systems.ts';
import type { NetworkAndStorage } from '../../lambdas/preflight/network-and-storage.ts';
import type { RelayWorldDependencies } from '../../lambdas/preflight/relay-world.ts';
import type { Surroundings } from '../../lambdas/preflight/surroundings.ts';
import { type Cloud, type DeployedStack, findDeployed } from '../cloud.ts';
import { openStepFunctions } from '../find-execution.ts';

/** What a plan asks; all of it only reads. */
export interface PlanClients extends RelayWorldDependencies {
  surroundings: Surroundings;
  networkAndStorage: NetworkAndStorage;
  fileSystems: Pick<FileSystems, 'describe'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  /** Throws Refused where the state machines are not deployed. */
  deployed(): Promise<DeployedStack>;
}

/** The user's own clients, made as the preflight functions make theirs. */
export async function planClientsOfAws(cloud: Cloud): Promise<PlanClients> {
  const { client } = cloud;
  // Loaded on demand: they take half a second, and other commands need none of them.
  const [{ relayWorldOfAws }, { surroundingsOfAws }, { networkAndStorageOfAws }, { fileSystemsOfAws }] =
    await Promise.all([
      import('../../lambdas/preflight/relay-world.ts'),
      import('../../lambdas/preflight/surroundings.ts'),
      import('../../lambdas/preflight/network-and-storage.ts'),
      import('../../lambdas/file-systems.ts'),
    ]);
  const relay = relayWorldOfAws(client);
  return {
    ...relay,
    surroundings: surroundingsOfAws(client),
    networkAndStorage: networkAndStorageOfAws(relay.cloudFormation, client),
    fileSystems: fileSystemsOfAws(client),
    stepFunctions: await openStepFunctions(cloud),
    deployed: () => findDeployed(cloud),
  };
}
