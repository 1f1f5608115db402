import { DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import type { Settings } from '../statemachine/settings.ts';
import type { RunCdk } from './cdk.ts';
import { cutoverStackName } from './cutover-stack.ts';
import { type DestroyClients, refuseWhileInUse, stackNamed } from './destroy-checks.ts';
import { type InterfaceClock, interfacesGone } from './network-interfaces.ts';

export interface DestroyDependencies extends InterfaceClock {
  clients: DestroyClients;
  synthesize(settings: Settings): unknown;
  runCdk: RunCdk;
  say(line: string): void;
}

/**
 * Removes the stack beside the relay's and waits until nothing of it stands in the relay's network. The relay's own stack is
 * only read: what `prepare` and `cutover` have changed there stays.
 *
 * @param options `despiteLock`: also when an execution holds the lock that will never go on
 * @returns 0 when the stack is gone, else the exit code of the CDK or 1
 * @throws Refused while an execution runs or is held, and when network interfaces stay
 */
export async function destroy(
  dependencies: DestroyDependencies,
  settings: Settings,
  { despiteLock, cdkOptions }: { despiteLock: boolean; cdkOptions: string[] },
): Promise<number> {
  const { clients, synthesize, runCdk, say } = dependencies;
  const name = cutoverStackName(settings);
  const stack = await stackNamed(clients, name);
  if (stack === undefined) {
    say(`There is no stack ${name} in ${settings.region}: nothing to destroy.`);
    return 0;
  }
  for (const note of await refuseWhileInUse(clients, settings, { despiteLock })) say(note);
  // The CDK reads from it in which account and region the stack is.
  synthesize(settings);
  const code = await runCdk(['destroy', name, ...cdkOptions]);
  if (code !== 0) return code;
  // By its id a stack can still be described after it is gone.
  const after = await stackNamed(clients, stack.StackId as string);
  if (after?.StackStatus !== 'DELETE_COMPLETE') {
    say(`The stack ${name} is in ${after?.StackStatus}. Expected DELETE_COMPLETE; it was not destroyed.`);
    return 1;
  }
  await sayWhatIsLeft(dependencies, stack.StackId as string);
  const securityGroup = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === 'SecurityGroupId');
  if (securityGroup?.ParameterValue) await interfacesGone(dependencies, clients.ec2, securityGroup.ParameterValue, say);
  say("The relay's own stack was not touched.");
  return 0;
}

/** They go with the function or the machine that they are versions of, although their removal was skipped. */
const GONE_WITH_ANOTHER = ['AWS::Lambda::Version', 'AWS::StepFunctions::StateMachineVersion'];

async function sayWhatIsLeft({ clients, say }: DestroyDependencies, stackId: string): Promise<void> {
  const { StackResources = [] } = await clients.cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stackId }),
  );
  const left = StackResources.filter(
    ({ ResourceStatus, ResourceType = '' }) =>
      ResourceStatus === 'DELETE_SKIPPED' && !GONE_WITH_ANOTHER.includes(ResourceType),
  );
  if (left.length === 0) return;
  say('Left on purpose, since it says what happened and how it was before; delete it by hand when nobody will ask:');
  for (const { ResourceType, PhysicalResourceId } of left) say(`  ${ResourceType} ${PhysicalResourceId}`);
}
