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
import { type Parts, part } from './parts.ts';

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

/** How clients of AWS are made; a deployed function needs to be told nothing. */
export interface ClientConfiguration {
  region?: string;
  profile?: string;
}

/** What stands behind a preflight in the account. */
export function relayWorldOfAws(configuration: ClientConfiguration = {}): RelayWorldDependencies {
  return {
    ecs: new ECSClient(configuration),
    cloudFormation: new CloudFormationClient(configuration),
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
 * How the stack, its service and what the relay answers are read.
 *
 * @param needed logical ids of resources that the stack must have, beside cluster, service and task definition; the part
 *   `resources` throws Refused where one is missing
 */
export function relayParts(
  { ecs, cloudFormation, endpoint }: RelayWorldDependencies,
  event: RelayWorldEvent & Pick<RelayWorld, 'machine'>,
  needed: string[],
): Parts<RelayWorld> {
  const { machine, input, stackName, names, newImage, sampleEvents } = event;
  const stack = part(() => describeStack(cloudFormation, stackName));
  const resources = part(() =>
    readResources(cloudFormation, stackName, [names.cluster, names.service, names.taskDefinition, ...needed]),
  );
  const template = part(() => readTemplate(cloudFormation, stackName));
  const service = part(async () => {
    const known = await resources();
    return readService(ecs, idOf(known, names.cluster), idOf(known, names.service));
  });
  const relayTask = part(async () => readTaskDefinition(ecs, (await service()).taskDefinition ?? ''));
  const domain = part(async () => {
    const { Parameters = [] } = await stack();
    return Parameters.find(({ ParameterKey }) => ParameterKey === names.domainParameter)?.ParameterValue ?? '';
  });
  const answer = part(async () => askRelay(endpoint, await domain(), sampleEvents));
  return {
    machine: async () => machine,
    input: async () => input,
    names: async () => names,
    newImage: async () => newImage,
    ...{ stack, resources, template, service, relayTask, domain },
    samples: async () => (await answer()).samples,
    silence: async () => (await answer()).silence,
  };
}

async function readTemplate(cloudFormation: CloudFormationClient, stackName: string): Promise<string> {
  const { TemplateBody = '' } = await cloudFormation.send(
    new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Original' }),
  );
  return TemplateBody;
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
