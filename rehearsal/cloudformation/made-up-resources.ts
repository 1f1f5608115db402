import { createHash } from 'node:crypto';
import type { ProvidedResource, ResolvedResource, ResourceProvider } from './provider.ts';

interface Place {
  region: string;
  accountId: string;
}

type MadeUp = (resource: ResolvedResource, unique: string, place: Place) => ProvidedResource;

/**
 * Types whose physical id or attributes are not just a name. What Ref gives and which attributes there are is from
 * the "Return values" of each type in the CloudFormation template reference.
 */
const madeUpByType: Record<string, MadeUp> = {
  'AWS::CertificateManager::Certificate': (_, unique, place) => plain(arn('acm', place, `certificate/${unique}`)),
  'AWS::EC2::VPC': prefixed('vpc'),
  'AWS::EC2::Subnet': prefixed('subnet'),
  'AWS::EC2::InternetGateway': prefixed('igw'),
  'AWS::EC2::RouteTable': prefixed('rtb'),
  'AWS::EC2::SubnetRouteTableAssociation': prefixed('rtbassoc'),
  'AWS::EC2::SecurityGroup': (_, unique) => ({ physicalId: `sg-${unique}`, attributes: { GroupId: `sg-${unique}` } }),
  'AWS::EFS::FileSystem': (_, unique, place) => {
    const id = `fs-${unique}`;
    return {
      physicalId: id,
      attributes: { FileSystemId: id, Arn: arn('elasticfilesystem', place, `file-system/${id}`) },
    };
  },
  'AWS::EFS::MountTarget': prefixed('fsmt'),
  'AWS::EFS::AccessPoint': (_, unique, place) => {
    const id = `fsap-${unique}`;
    const attributes = { AccessPointId: id, Arn: arn('elasticfilesystem', place, `access-point/${id}`) };
    return { physicalId: id, attributes };
  },
  'AWS::ElasticLoadBalancingV2::LoadBalancer': (resource, unique, place) => {
    const name = named(resource, 'Name', unique);
    const id = arn('elasticloadbalancing', place, `loadbalancer/app/${name}/${unique}`);
    const attributes = {
      DNSName: `${name}-${unique}.${place.region}.elb.amazonaws.com`,
      LoadBalancerName: name,
      LoadBalancerFullName: `app/${name}/${unique}`,
      CanonicalHostedZoneID: 'Z0000000000000',
    };
    return { physicalId: id, attributes };
  },
  'AWS::ElasticLoadBalancingV2::TargetGroup': (resource, unique, place) => {
    const name = named(resource, 'Name', unique);
    const fullName = `targetgroup/${name}/${unique}`;
    const attributes = { TargetGroupName: name, TargetGroupFullName: fullName };
    return { physicalId: arn('elasticloadbalancing', place, fullName), attributes };
  },
  'AWS::ElasticLoadBalancingV2::Listener': (_, unique, place) => {
    const id = arn('elasticloadbalancing', place, `listener/app/${unique}`);
    return { physicalId: id, attributes: { ListenerArn: id } };
  },
  'AWS::ECS::Cluster': (resource, unique, place) => {
    const name = named(resource, 'ClusterName', unique);
    return { physicalId: name, attributes: { Arn: arn('ecs', place, `cluster/${name}`) } };
  },
  'AWS::ECS::TaskDefinition': (resource, unique, place) => {
    const revision = 1 + Number(/:(\d+)$/.exec(resource.previous?.physicalId ?? '')?.[1] ?? 0);
    const id = arn('ecs', place, `task-definition/${named(resource, 'Family', unique)}:${revision}`);
    return { physicalId: id, attributes: { TaskDefinitionArn: id } };
  },
  'AWS::ECS::Service': (resource, unique, place) => {
    const name = named(resource, 'ServiceName', unique);
    const id = arn('ecs', place, `service/${String(resource.properties.Cluster ?? 'default')}/${name}`);
    return { physicalId: id, attributes: { Name: name, ServiceArn: id } };
  },
  'AWS::RDS::DBInstance': (resource, unique, place) => {
    const name = named(resource, 'DBInstanceIdentifier', unique);
    const attributes = {
      DBInstanceArn: arn('rds', place, `db:${name}`),
      DbiResourceId: `db-${unique.toUpperCase()}`,
      'Endpoint.Address': `${name}.${unique}.${place.region}.rds.amazonaws.com`,
      'Endpoint.Port': '5432',
    };
    return { physicalId: name, attributes };
  },
  'AWS::SecretsManager::Secret': (resource, unique, place) => {
    const id = arn('secretsmanager', place, `secret:${named(resource, 'Name', unique)}-${unique.slice(0, 6)}`);
    return { physicalId: id, attributes: { Id: id } };
  },
  'AWS::IAM::Role': (resource, unique, { accountId }) => {
    const name = named(resource, 'RoleName', unique);
    return {
      physicalId: name,
      attributes: { Arn: `arn:aws:iam::${accountId}:role/${name}`, RoleId: `AROA${unique.toUpperCase()}` },
    };
  },
  'AWS::Logs::LogGroup': (resource, unique, place) => {
    const name = named(resource, 'LogGroupName', unique);
    return { physicalId: name, attributes: { Arn: arn('logs', place, `log-group:${name}:*`) } };
  },
};

/** A provider that only remembers: ids and attributes are made up, and the same for the same stack, name and replacement. */
export function madeUpResources(place: Place): ResourceProvider {
  const make = (resource: ResolvedResource) => {
    const origin = `${resource.stackName}/${resource.logicalId}/${resource.previous?.physicalId ?? ''}`;
    const unique = createHash('sha256').update(origin).digest('hex').slice(0, 17);
    const madeUp = madeUpByType[resource.type];
    if (madeUp !== undefined) return madeUp(resource, unique, place);
    return plain(`${resource.stackName}-${resource.logicalId}-${unique.slice(0, 12).toUpperCase()}`);
  };
  return {
    create: async (resource) => make(resource),
    update: async (resource) => {
      const { previous } = resource;
      if (previous === undefined) return make(resource);
      return { physicalId: previous.physicalId, attributes: previous.attributes };
    },
    delete: async () => {},
  };
}

function plain(physicalId: string): ProvidedResource {
  return { physicalId, attributes: {} };
}

function prefixed(prefix: string): MadeUp {
  return (_, unique) => plain(`${prefix}-${unique}`);
}

function named({ properties, stackName, logicalId }: ResolvedResource, property: string, unique: string): string {
  const name = properties[property];
  return typeof name === 'string' ? name : `${stackName}-${logicalId}-${unique.slice(0, 12).toUpperCase()}`;
}

function arn(service: string, { region, accountId }: Place, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}
