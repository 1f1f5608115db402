import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  type Service,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import { Refused } from '../../statemachine/errors.ts';
import type { Names } from '../../statemachine/settings.ts';
import { describeStack } from '../change-stack/stack.ts';
import type { Ecs } from '../ecs-tasks.ts';
import { type RelayEndpoint, withRelay } from '../nostr-client.ts';
import { fetchSamples, type SampleEvent } from '../sample-events.ts';

/** The relay as it runs now; every check looks at this, or at more, and at nothing else. */
export interface RelayWorld {
  /** Whose input it is. */
  machine: 'prepare' | 'cutover' | 'rollback' | 'finalize';
  /** The execution's input. */
  input: unknown;
  names: Names;
  newImage: string;
  stack: Stack;
  template: string;
  /** Physical ids by logical id. */
  resources: Map<string, string>;
  service: Service;
  relayTask: TaskDefinition;
  /** The name under which clients reach the relay; empty when the stack does not say. */
  domain: string;
  /** Events that the relay served. Only what it served can be asked of the other one. */
  samples: SampleEvent[];
  /** Why the relay did not answer; null when it did. */
  silence: string | null;
}

export interface RelayWorldDependencies {
  ecs: Ecs;
  cloudFormation: CloudFormationClient;
  endpoint(domain: string): RelayEndpoint;
}

/** What stands behind a deployed preflight. */
export function relayWorldOfAws(): RelayWorldDependencies {
  return {
    ecs: new ECSClient({}),
    cloudFormation: new CloudFormationClient({}),
    endpoint: (domain) => ({ url: `wss://${domain}` }),
  };
}

export interface RelayWorldEvent {
  input: unknown;
  stackName: string;
  names: Names;
  newImage: string;
  /** How many events the relay is asked for. */
  sampleEvents: number;
}

/**
 * Reads the stack, its service and what the relay answers.
 *
 * @param needed logical ids of resources that the stack must have, beside cluster, service and task definition
 * @throws Refused when the stack, the service or one of the resources is not there
 */
export async function readRelayWorld(
  { ecs, cloudFormation, endpoint }: RelayWorldDependencies,
  event: RelayWorldEvent & Pick<RelayWorld, 'machine'>,
  needed: string[],
): Promise<RelayWorld> {
  const { machine, input, stackName, names, newImage, sampleEvents } = event;
  const stack = await describeStack(cloudFormation, stackName);
  const resources = await readResources(cloudFormation, stackName, [
    ...[names.cluster, names.service, names.taskDefinition],
    ...needed,
  ]);
  const { TemplateBody: template = '' } = await cloudFormation.send(
    new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Original' }),
  );
  const service = await readService(ecs, idOf(resources, names.cluster), idOf(resources, names.service));
  const relayTask = await readTaskDefinition(ecs, service.taskDefinition ?? '');
  const domain =
    stack.Parameters?.find(({ ParameterKey }) => ParameterKey === names.domainParameter)?.ParameterValue ?? '';
  const answer = await askRelay(endpoint, domain, sampleEvents);
  return { machine, input, names, newImage, stack, template, resources, service, relayTask, domain, ...answer };
}

export async function readTaskDefinition(ecs: Ecs, taskDefinition: string): Promise<TaskDefinition> {
  const answer = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
  if (!answer.taskDefinition) throw new Refused(`ECS has no task definition ${taskDefinition}.`);
  return answer.taskDefinition;
}

/** The physical id of a resource that was asked for as needed. */
export function idOf(resources: Map<string, string>, logicalId: string): string {
  return resources.get(logicalId) as string;
}

async function readResources(
  cloudFormation: CloudFormationClient,
  stackName: string,
  needed: string[],
): Promise<Map<string, string>> {
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stackName }),
  );
  const resources = new Map(
    StackResources.map((resource) => [resource.LogicalResourceId ?? '', resource.PhysicalResourceId ?? '']),
  );
  const missing = needed.filter((name) => !resources.has(name));
  if (missing.length === 0) return resources;
  throw new Refused(
    `The stack ${stackName} has no resource ${missing.join(', ')}. Run prepare first if it was never run; else correct the settings under names.`,
  );
}

async function readService(ecs: Ecs, cluster: string, service: string): Promise<Service> {
  const { services = [] } = await ecs.send(new DescribeServicesCommand({ cluster, services: [service] }));
  if (!services[0])
    throw new Refused(`ECS has no service ${service} in cluster ${cluster}, although the stack names it.`);
  return services[0];
}

async function askRelay(
  endpoint: RelayWorldDependencies['endpoint'],
  domain: string,
  count: number,
): Promise<Pick<RelayWorld, 'samples' | 'silence'>> {
  try {
    const samples = await withRelay(endpoint(domain), (client) => fetchSamples(client, count));
    return { samples, silence: null };
  } catch (error) {
    return { samples: [], silence: (error as Error).message };
  }
}
