import type { Json, JsonObject } from '../../statemachine/asl.ts';
import type { ProvidedResource, ResolvedResource, ResourceProvider } from '../cloudformation/provider.ts';
import type { LocalEcs } from './local-ecs.ts';
import type { ContainerDefinition } from './model.ts';

/** Of a target group that says nothing else. Source: Elastic Load Balancing user guide, "Deregistration delay". */
const DEREGISTRATION_DELAY_SECONDS = 300;

/**
 * Makes the ECS resources of a template real in the local ECS. A service is there when it is stable.
 *
 * @param others makes the target groups, which here are only looked at: a task drains as long as its group says
 */
export function ecsProviders(ecs: LocalEcs, others: ResourceProvider): Record<string, ResourceProvider> {
  const remember = ({ properties }: ResolvedResource, made: ProvidedResource): ProvidedResource => {
    ecs.deregistrationDelays.set(made.physicalId, deregistrationDelay(properties));
    return made;
  };
  return {
    'AWS::ElasticLoadBalancingV2::TargetGroup': {
      create: async (resource, signal) => remember(resource, await others.create(resource, signal)),
      update: async (resource, signal) => remember(resource, await others.update(resource, signal)),
      delete: (resource, signal) => others.delete(resource, signal),
    },
    'AWS::ECS::TaskDefinition': {
      async create({ properties }) {
        const { family, containerDefinitions } = toCamelCase(properties) as unknown as {
          family: string;
          containerDefinitions: ContainerDefinition[];
        };
        const { taskDefinitionArn } = ecs.registerTaskDefinition({ family, containerDefinitions });
        return { physicalId: taskDefinitionArn, attributes: { TaskDefinitionArn: taskDefinitionArn } };
      },
      update: async () => {
        throw new Error('A task definition is never changed; CloudFormation replaces it.');
      },
      // Deregistered revisions can still be described, and running tasks keep theirs.
      delete: async ({ previous }) => ecs.deregister(previous?.physicalId ?? ''),
    },
    'AWS::ECS::Service': {
      create: (resource, signal) => putService(ecs, resource, signal),
      update: (resource, signal) => putService(ecs, resource, signal),
      delete: async ({ properties }) => ecs.deleteService(String(properties.ServiceName)),
    },
  };
}

function deregistrationDelay({ TargetGroupAttributes = [] }: JsonObject): number {
  const attributes = TargetGroupAttributes as { Key: string; Value: string }[];
  const seconds = attributes.find(({ Key }) => Key === 'deregistration_delay.timeout_seconds')?.Value;
  return seconds === undefined ? DEREGISTRATION_DELAY_SECONDS : Number(seconds);
}

async function putService(
  ecs: LocalEcs,
  { properties }: ResolvedResource,
  signal?: AbortSignal,
): ReturnType<ResourceProvider['create']> {
  const { Cluster, ServiceName, TaskDefinition, DesiredCount, LoadBalancers = [] } = properties;
  const [group] = (LoadBalancers as { TargetGroupArn: string }[]).map(({ TargetGroupArn }) => TargetGroupArn);
  const service = await ecs.putService(
    {
      cluster: String(Cluster),
      serviceName: String(ServiceName),
      taskDefinition: String(TaskDefinition),
      desiredCount: Number(DesiredCount),
      ...(group !== undefined && { targetGroup: group }),
    },
    signal,
  );
  return { physicalId: service.serviceArn, attributes: { Name: service.serviceName, ServiceArn: service.serviceArn } };
}

/** `ContainerDefinitions` as CloudFormation writes it to `containerDefinitions` as the ECS API does. */
export function toCamelCase(value: Json): Json {
  return renameKeys(value, (key) => key.charAt(0).toLowerCase() + key.slice(1));
}

/** The API's `taskArn` to `TaskArn`, as Step Functions' own calls answer. */
export function toPascalCase(value: Json): Json {
  return renameKeys(value, (key) => key.charAt(0).toUpperCase() + key.slice(1));
}

function renameKeys(value: Json, rename: (key: string) => string): Json {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (value === null || typeof value !== 'object') return value;
  const renamed: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) renamed[rename(key)] = renameKeys(inner, rename);
  return renamed;
}
