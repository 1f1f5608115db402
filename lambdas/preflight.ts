import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import { Refused } from '../statemachine/errors.ts';
import type { Names } from '../statemachine/settings.ts';
import { describeStack } from './change-stack/stack.ts';
import { type Ecs, familyOf } from './ecs-tasks.ts';
import { type RelayEndpoint, withRelay } from './nostr-client.ts';
import { type Findable, PREFLIGHT_CHECKS } from './preflight-checks.ts';
import { fetchSamples, type SampleEvent } from './sample-events.ts';

export interface PreflightEvent {
  input: unknown;
  stackName: string;
  names: Names;
  newImage: string;
  sampleEvents: number;
}

/** What the later states work with: names resolved once, so that nothing can shift under them. */
export interface Plan {
  cluster: string;
  service: string;
  /** Family of the relay's task definitions: tasks are looked for by it. */
  family: string;
  domain: string;
  oldTaskDefinition: string;
  migration: { taskDefinition: string; subnets: string[]; securityGroups: string[] };
  /** Runs in the same network. */
  rollback: { taskDefinition: string };
  samples: SampleEvent[];
  lastChangeSet: string | null;
}

export interface PreflightDependencies {
  ecs: Ecs;
  cloudFormation: CloudFormationClient;
  endpoint(domain: string): RelayEndpoint;
}

/**
 * Makes the handler that reads the stack, the service and the old relay, runs all checks and resolves the names.
 *
 * @throws Refused with every finding at once; nothing has been changed then
 */
export function createHandler(dependencies: PreflightDependencies): (event: PreflightEvent) => Promise<Plan> {
  return async (event) => {
    const { names } = event;
    const world = await readStack(dependencies, event);
    const service = await readService(
      dependencies.ecs,
      need(world.resources, names.cluster),
      need(world.resources, names.service),
    );
    const relayTask = await readTaskDefinition(dependencies.ecs, service.taskDefinition ?? '');
    const migrationTask = await readTaskDefinition(
      dependencies.ecs,
      need(world.resources, names.migrationTaskDefinition),
    );
    const rollbackTask = await readTaskDefinition(
      dependencies.ecs,
      need(world.resources, names.rollbackTaskDefinition),
    );
    const domain =
      world.stack.Parameters?.find(({ ParameterKey }) => ParameterKey === names.domainParameter)?.ParameterValue ?? '';
    const { samples, relayAnswer } = await askOldRelay(dependencies, domain, event.sampleEvents);

    const findable: Findable = {
      input: event.input,
      names,
      newImage: event.newImage,
      ...world,
      service,
      relayTask,
      migrationTask,
      rollbackTask,
      relayAnswer,
    };
    const findings = PREFLIGHT_CHECKS.flatMap((check) => check.finding(findable) ?? []);
    if (findings.length > 0) throw new Refused(findings.join(' | '));
    return {
      cluster: need(world.resources, names.cluster),
      service: service.serviceName as string,
      family: familyOf(relayTask.taskDefinitionArn as string),
      domain,
      oldTaskDefinition: relayTask.taskDefinitionArn as string,
      migration: {
        taskDefinition: migrationTask.taskDefinitionArn as string,
        subnets: names.subnets.map((name) => need(world.resources, name)),
        securityGroups: [need(world.resources, names.securityGroup)],
      },
      rollback: { taskDefinition: rollbackTask.taskDefinitionArn as string },
      samples,
      lastChangeSet: world.stack.ChangeSetId ?? null,
    };
  };
}

export const handler = createHandler({
  ecs: new ECSClient({}),
  cloudFormation: new CloudFormationClient({}),
  endpoint: (domain) => ({ url: `wss://${domain}` }),
});

async function readStack(
  { cloudFormation }: PreflightDependencies,
  { stackName, names }: PreflightEvent,
): Promise<Pick<Findable, 'stack' | 'template' | 'resources'>> {
  const stack = await describeStack(cloudFormation, stackName);
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stackName }),
  );
  const { TemplateBody = '' } = await cloudFormation.send(
    new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Original' }),
  );
  const resources = new Map(
    StackResources.map((resource) => [resource.LogicalResourceId ?? '', resource.PhysicalResourceId ?? '']),
  );
  const needed = [
    names.cluster,
    names.service,
    names.taskDefinition,
    names.migrationTaskDefinition,
    names.rollbackTaskDefinition,
    ...names.subnets,
    names.securityGroup,
    names.databaseUrlSecret,
  ];
  const missing = needed.filter((name) => !resources.has(name));
  if (missing.length > 0) {
    throw new Refused(
      `The stack ${stackName} has no resource ${missing.join(', ')}. Run prepare first if it was never run; else correct the settings under names.`,
    );
  }
  return { stack, template: TemplateBody, resources };
}

async function readService(ecs: Ecs, cluster: string, service: string): Promise<Findable['service']> {
  const { services = [] } = await ecs.send(new DescribeServicesCommand({ cluster, services: [service] }));
  if (!services[0])
    throw new Refused(`ECS has no service ${service} in cluster ${cluster}, although the stack names it.`);
  return services[0];
}

async function readTaskDefinition(ecs: Ecs, taskDefinition: string): Promise<TaskDefinition> {
  const answer = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
  if (!answer.taskDefinition) throw new Refused(`ECS has no task definition ${taskDefinition}.`);
  return answer.taskDefinition;
}

/** The samples come from the old relay itself: only what it served can be asked of the new one. */
async function askOldRelay(
  { endpoint }: PreflightDependencies,
  domain: string,
  count: number,
): Promise<{ samples: SampleEvent[]; relayAnswer: Findable['relayAnswer'] }> {
  try {
    const samples = await withRelay(endpoint(domain), (client) => fetchSamples(client, count));
    return { samples, relayAnswer: { domain } };
  } catch (error) {
    return { samples: [], relayAnswer: { domain, reason: (error as Error).message } };
  }
}

function need(resources: Map<string, string>, name: string): string {
  return resources.get(name) as string;
}
