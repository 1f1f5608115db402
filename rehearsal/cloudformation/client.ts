import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { JsonObject } from '../../statemachine/asl.ts';
import type { LocalCloudFormation } from './local-cloudformation.ts';

interface Command {
  input: object;
}

/**
 * Gives the local CloudFormation the face of the SDK's client, for handlers that send commands. The SDK's paginators and
 * waiters want the real class and do not work with it.
 */
export function cloudFormationClient(local: LocalCloudFormation): CloudFormationClient {
  const client = {
    // The class says which action it is; the local side must not keep what the caller may still change.
    send: async (command: Command) =>
      local.call(command.constructor.name.replace(/Command$/, ''), structuredClone(command.input) as JsonObject),
    destroy: () => {},
  };
  return client as unknown as CloudFormationClient;
}
