import type { JsonObject } from '../statemachine/asl.ts';
import type { Act } from './faults.ts';
import type { Run } from './run.ts';

type Performing = (run: Run, by: string) => Promise<boolean> | boolean;

/** Longer than a relay drains that was told to stop. */
const PATIENCE_SECONDS = 20;

/** Longer than an update of the stack takes that comes to its end, or is cancelled. */
const DEPLOY_PATIENCE_SECONDS = 300;
const DEPLOY_AGAIN_SECONDS = 5;

/** What people do; each says whether it came to that, since AWS refuses some of it at some times. */
const ACTS: Record<Act, Performing> = {
  'scales up by hand': (run) => scale(run, 1),
  'scales down by hand': (run) => scale(run, 0),
  async 'starts a task by hand'({ cloud, striker }) {
    const { ecs, relays, settings, clock } = cloud;
    const service = ecs.service(`${settings.stackName}-zooid-relay`);
    // Whoever starts a second relay beside one that runs has made two writers himself; so he waits for its end, for a while.
    for (let waited = 0; relays.running.length > 0 && waited < PATIENCE_SECONDS; waited += 1) await clock.sleep(1);
    if (!service || relays.running.length > 0 || striker.isStopped) return false;
    const { taskDefinition } = service;
    // It stays until a machine stops it.
    ecs.runTask({ cluster: 'cluster', taskDefinition, group: `family:${settings.stackName}-zooid-relay` });
    return true;
  },
  async 'deploys the stack by hand'(run) {
    const { clock } = run.cloud;
    // An update that is under way refuses his; then he tries again, as whatever deploys by a pipeline does.
    for (let waited = 0; !run.striker.isStopped; waited += DEPLOY_AGAIN_SECONDS) {
      if (await deploy(run)) return true;
      if (waited >= DEPLOY_PATIENCE_SECONDS) return false;
      await clock.sleep(DEPLOY_AGAIN_SECONDS);
    }
    return false;
  },
  'aborts the execution': ({ stepFunctions }, by) => {
    const found = stepFunctions.started.find(({ execution }) => execution.arn === by);
    if (found?.execution.status !== 'RUNNING') return false;
    found.execution.stop('StoppedByHand', 'somebody pressed Stop');
    return true;
  },
  'starts a second cutover': ({ stepFunctions }) => {
    stepFunctions.start('cutover', {});
    return true;
  },
  'starts a rollback': ({ stepFunctions }) => {
    stepFunctions.start('rollback', {});
    return true;
  },
  'starts restore with takeOver': ({ stepFunctions }) => {
    stepFunctions.start('restore', { takeOver: true });
    return true;
  },
};

export async function perform(run: Run, what: Act, by: string): Promise<boolean> {
  if (run.striker.isStopped) return false;
  const isDone = await ACTS[what](run, by);
  run.say(`!! somebody ${what}${isDone ? '' : ', in vain'}`);
  return isDone;
}

async function scale({ cloud }: Run, desiredCount: number): Promise<boolean> {
  const { settings, ecs } = cloud;
  if (!ecs.service(`${settings.stackName}-zooid-relay`)) return false;
  if (desiredCount > 0) cloud.isByHand = true;
  else cloud.records.handDown = true;
  await ecs.call('UpdateService', { cluster: 'cluster', service: `${settings.stackName}-zooid-relay`, desiredCount });
  return true;
}

/** A change that makes a new task definition, with everything else as the stack has it. */
async function deploy({ cloud }: Run): Promise<boolean> {
  const { cloudFormation, settings, clock } = cloud;
  const StackName = settings.stackName;
  const { Stacks } = (await cloudFormation.call('DescribeStacks', { StackName })) as {
    Stacks: { StackStatus: string; Parameters: { ParameterKey: string; ParameterValue: string }[] }[];
  };
  const [stack] = Stacks;
  if (!stack?.StackStatus.endsWith('_COMPLETE') || stack.StackStatus.includes('CLEANUP')) return false;
  const name = `by-hand-${Math.round(clock.seconds() * 1000)}`;
  const Parameters: JsonObject[] = stack.Parameters.map(({ ParameterKey }) =>
    ParameterKey === 'AdminPubkey' ? { ParameterKey, ParameterValue: name } : { ParameterKey, UsePreviousValue: true },
  );
  try {
    const Capabilities = ['CAPABILITY_IAM'];
    const of = { StackName, ChangeSetName: name };
    await cloudFormation.call('CreateChangeSet', { ...of, UsePreviousTemplate: true, Parameters, Capabilities });
    await clock.sleep(4);
    await cloudFormation.call('ExecuteChangeSet', of);
    cloud.isByHand = true;
    return true;
  } catch {
    return false;
  }
}
