export type RequiresRecreation = 'Always' | 'Never';

/**
 * Properties whose change needs a new resource ("Update requires: Replacement" in the CloudFormation template reference).
 * A type that is not here is taken to change in place.
 */
const always: Record<string, 'every property' | string[]> = {
  'AWS::CertificateManager::Certificate': ['DomainName', 'SubjectAlternativeNames', 'ValidationMethod', 'KeyAlgorithm'],
  'AWS::EC2::VPC': ['CidrBlock'],
  'AWS::EC2::Subnet': ['VpcId', 'AvailabilityZone', 'CidrBlock'],
  'AWS::EC2::VPCGatewayAttachment': ['VpcId'],
  'AWS::EC2::RouteTable': ['VpcId'],
  'AWS::EC2::Route': ['RouteTableId', 'DestinationCidrBlock'],
  'AWS::EC2::SubnetRouteTableAssociation': ['SubnetId', 'RouteTableId'],
  'AWS::EC2::SecurityGroup': ['GroupDescription', 'GroupName', 'VpcId'],
  'AWS::EFS::FileSystem': ['AvailabilityZoneName', 'Encrypted', 'KmsKeyId', 'PerformanceMode'],
  'AWS::EFS::MountTarget': ['FileSystemId', 'IpAddress', 'SubnetId'],
  'AWS::EFS::AccessPoint': ['ClientToken', 'FileSystemId', 'PosixUser', 'RootDirectory'],
  'AWS::RDS::DBSubnetGroup': ['DBSubnetGroupName'],
  'AWS::RDS::DBInstance': [
    'DBInstanceIdentifier',
    'DBName',
    'DBSubnetGroupName',
    'Engine',
    'KmsKeyId',
    'MasterUsername',
    'StorageEncrypted',
  ],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::ECS::Cluster': ['ClusterName'],
  'AWS::ECS::TaskDefinition': 'every property',
  'AWS::ECS::Service': ['Cluster', 'LaunchType', 'Role', 'SchedulingStrategy', 'ServiceName'],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 'Scheme', 'Type'],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['Name', 'Port', 'Protocol', 'ProtocolVersion', 'TargetType', 'VpcId'],
  'AWS::ElasticLoadBalancingV2::Listener': ['LoadBalancerArn'],
  'AWS::IAM::Role': ['Path', 'RoleName'],
  'AWS::Logs::LogGroup': ['LogGroupName'],
  'AWS::CloudWatch::Alarm': ['AlarmName'],
};

/** Whether a change of this property makes a new resource. Tags never do. */
export function requiresRecreation(type: string, property: string): RequiresRecreation {
  const properties = always[type] ?? [];
  if (property === 'Tags') return 'Never';
  return properties === 'every property' || properties.includes(property) ? 'Always' : 'Never';
}
