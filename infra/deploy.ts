import type { Settings } from '../statemachine/settings.ts';
import { parameterOptions, type RunCdk } from './cdk.ts';
import { cutoverStackName } from './cutover-stack.ts';
import { type RelayClients, resolveRelay } from './resolve-relay.ts';

export interface DeployDependencies {
  clients: RelayClients;
  synthesize(settings: Settings): unknown;
  runCdk: RunCdk;
  say(line: string): void;
}

/**
 * Puts the stack beside the relay's, or brings it up to date. The relay's own stack is only read.
 *
 * @param cdkOptions handed on to `cdk deploy`, such as `--require-approval never`
 * @returns the exit code of the CDK
 * @throws Refused when the relay's stack has not what the settings say, or AWS lets nobody in
 */
export async function deploy(
  { clients, synthesize, runCdk, say }: DeployDependencies,
  settings: Settings,
  cdkOptions: string[],
): Promise<number> {
  const parameters = await resolveRelay(clients, settings);
  for (const [name, value] of Object.entries(parameters)) say(`${name}: ${value}`);
  synthesize(settings);
  const stack = cutoverStackName(settings);
  // A lock table that an earlier stack has left is taken over as it is: its name is fixed, and its content counts.
  const code = await runCdk([
    'deploy',
    stack,
    '--import-existing-resources',
    ...parameterOptions(parameters),
    ...cdkOptions,
  ]);
  if (code === 0 && parameters.TargetResourceId === '*') {
    say(
      'There is no database yet, so the functions may sign in as the verifier to any instance that has this role. Run npm run deploy again after prepare: it narrows that to the one instance.',
    );
  }
  return code;
}
