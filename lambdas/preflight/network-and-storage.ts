import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import { type CloudFormationClient, DetectStackResourceDriftCommand } from '@aws-sdk/client-cloudformation';
import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeFileSystemsCommand, EFSClient } from '@aws-sdk/client-efs';
import type { ClientConfiguration } from './relay-world.ts';

/** How a resource differs from what the stack says; `properties` are paths such as `/DesiredCount`. */
export interface Drift {
  logicalId: string;
  properties: string[];
}

export interface Subnet {
  id: string;
  zone: string;
  freeAddresses: number;
}

/** What a preparation asks of AWS about the room that it needs. */
export interface NetworkAndStorage {
  subnets(ids: string[]): Promise<Subnet[]>;
  /** TCP ports that a security group lets nobody reach from inside, of those that are asked for. */
  closedPorts(securityGroup: string, ports: number[]): Promise<number[]>;
  fileSystemBytes(id: string): Promise<number>;
  /** How many scaling targets could change the service's desired count. */
  scalableTargets(cluster: string, service: string): Promise<number>;
  /** Those of the resources that differ from the stack's template. A type that CloudFormation cannot compare is passed over. */
  drifted(stackName: string, logicalIds: string[]): Promise<Drift[]>;
}

interface Clients {
  cloudFormation: Pick<CloudFormationClient, 'send'>;
  ec2: Pick<EC2Client, 'send'>;
  efs: Pick<EFSClient, 'send'>;
  autoScaling: Pick<ApplicationAutoScalingClient, 'send'>;
}

export function networkAndStorageIn({ cloudFormation, ec2, efs, autoScaling }: Clients): NetworkAndStorage {
  return {
    async subnets(ids) {
      const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: ids }));
      return Subnets.map(({ SubnetId: id = '', AvailabilityZone: zone = '', AvailableIpAddressCount = 0 }) => ({
        id,
        zone,
        freeAddresses: AvailableIpAddressCount,
      }));
    },
    async closedPorts(securityGroup, ports) {
      const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [securityGroup] }));
      const rules = SecurityGroups[0]?.IpPermissionsEgress ?? [];
      // "-1" is every protocol, and then there are no ports.
      const isOpen = (port: number): boolean =>
        rules.some(
          ({ IpProtocol, FromPort = 0, ToPort = 65_535 }) =>
            IpProtocol === '-1' || (IpProtocol === 'tcp' && FromPort <= port && port <= ToPort),
        );
      return ports.filter((port) => !isOpen(port));
    },
    async fileSystemBytes(id) {
      const { FileSystems = [] } = await efs.send(new DescribeFileSystemsCommand({ FileSystemId: id }));
      return FileSystems[0]?.SizeInBytes?.Value ?? 0;
    },
    async scalableTargets(cluster, service) {
      const { ScalableTargets = [] } = await autoScaling.send(
        new DescribeScalableTargetsCommand({ ServiceNamespace: 'ecs', ResourceIds: [`service/${cluster}/${service}`] }),
      );
      return ScalableTargets.length;
    },
    async drifted(stackName, logicalIds) {
      const found: Drift[] = [];
      for (const logicalId of logicalIds) {
        const { StackResourceDrift: drift } = await cloudFormation
          .send(new DetectStackResourceDriftCommand({ StackName: stackName, LogicalResourceId: logicalId }))
          .catch(unlessNotSupported);
        const status = drift?.StackResourceDriftStatus;
        if (status !== 'MODIFIED' && status !== 'DELETED') continue;
        const properties = (drift?.PropertyDifferences ?? []).map(({ PropertyPath = '' }) => PropertyPath);
        found.push({ logicalId, properties: status === 'DELETED' ? ['(the whole resource)'] : properties });
      }
      return found;
    },
  };
}

/** CloudFormation answers with an error for a type that it cannot compare at all. */
function unlessNotSupported(error: Error): { StackResourceDrift?: undefined } {
  if (error.name === 'ValidationError' && /drift detection is not supported/i.test(error.message)) return {};
  throw error;
}

export function networkAndStorageOfAws(
  cloudFormation: CloudFormationClient,
  configuration: ClientConfiguration = {},
): NetworkAndStorage {
  return networkAndStorageIn({
    cloudFormation,
    ec2: new EC2Client(configuration),
    efs: new EFSClient(configuration),
    autoScaling: new ApplicationAutoScalingClient(configuration),
  });
}
