import { addRdsEdits } from '../lambdas/template-edits/add-rds.ts';
import { applyEdits } from '../lambdas/template-edits/apply.ts';
import { switchTemplate } from '../lambdas/template-edits/back.ts';
import type { Settings } from '../statemachine/settings.ts';

/** The image of the relay on SQLite. */
export const OLD_IMAGE = 'ghcr.io/unicitynetwork/unicity-relay:sha-44d3ff3';
export const DOMAIN = 'relay.test';
/** What must stand in no history. */
export const RELAY_SECRET = 'secret-of-the-relay-01010101010101010101';

/** A relay stack with everything in it that the edits look for, and no more: it is parsed again and again. */
export const BARE_TEMPLATE = `Parameters:
  RelayDomainName: {Type: String, Default: ${DOMAIN}}
  ContainerImage: {Type: String, Default: "${OLD_IMAGE}"}
  RelaySecretKey: {Type: String, NoEcho: true}
  AdminPubkey: {Type: String, Default: admin-1}
Resources:
  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  PublicSubnet1: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VPC, CidrBlock: 10.1.1.0/24}}
  PublicSubnet2: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VPC, CidrBlock: 10.1.2.0/24}}
  ECSSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: The relay, VpcId: !Ref VPC}}
  EFSSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: Its files, VpcId: !Ref VPC}}
  EFSFileSystem:
    Type: AWS::EFS::FileSystem
    Properties:
      Encrypted: true
  EFSMountTarget1:
    Type: AWS::EFS::MountTarget
    Properties: {FileSystemId: !Ref EFSFileSystem, SubnetId: !Ref PublicSubnet1, SecurityGroups: [!Ref EFSSecurityGroup]}
  EFSMountTarget2:
    Type: AWS::EFS::MountTarget
    Properties: {FileSystemId: !Ref EFSFileSystem, SubnetId: !Ref PublicSubnet2, SecurityGroups: [!Ref EFSSecurityGroup]}
  EFSAccessPoint:
    Type: AWS::EFS::AccessPoint
    Properties:
      FileSystemId: !Ref EFSFileSystem
  ZooidRelayTaskDefinition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: !Sub \${AWS::StackName}-zooid-relay
      Volumes:
        - Name: zooid-data
          EFSVolumeConfiguration:
            FilesystemId: !Ref EFSFileSystem
      ContainerDefinitions:
        - Name: zooid-relay
          Image: !Ref ContainerImage
          Environment:
            - Name: DATA
              Value: /app/data
            - Name: RELAY_SECRET
              Value: !Ref RelaySecretKey
            - Name: ADMIN
              Value: !Ref AdminPubkey
          MountPoints:
            - SourceVolume: zooid-data
              ContainerPath: /app/data
          StopTimeout: 30
  ALBTargetGroup:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      VpcId: !Ref VPC
      TargetGroupAttributes:
        - Key: stickiness.enabled
          Value: "true"
  ZooidRelayService:
    Type: AWS::ECS::Service
    DependsOn:
      - EFSMountTarget1
      - EFSMountTarget2
    Properties:
      Cluster: !Ref ECSCluster
      ServiceName: !Sub \${AWS::StackName}-zooid-relay
      TaskDefinition: !Ref ZooidRelayTaskDefinition
      DesiredCount: 1
      LoadBalancers:
        - ContainerName: zooid-relay
          ContainerPort: 3334
          TargetGroupArn: !Ref ALBTargetGroup
  ECSCluster: {Type: AWS::ECS::Cluster, Properties: {ClusterName: cluster}}
  ECSTaskExecutionRole:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy]
  ECSTaskRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: EFSAccess
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: "elasticfilesystem:*", Resource: !GetAtt EFSFileSystem.Arn}
  CloudWatchLogGroup: {Type: AWS::Logs::LogGroup}
Outputs:
  EFSFileSystemId:
    Value: !Ref EFSFileSystem
`;

export interface RelayTemplates {
  bare: string;
  /** As `prepare` leaves it. */
  prepared: string;
  /** As `cutover` leaves that. */
  switched: string;
}

let made: RelayTemplates | undefined;

/** The stack's template at the places of its way; made once, by the real edits. */
export function relayTemplates(settings: Settings): RelayTemplates {
  if (made !== undefined) return made;
  const prepared = applyEdits(BARE_TEMPLATE, addRdsEdits(settings)).text;
  const switched = switchTemplate(prepared, settings.names, settings.newImage).text;
  made = { bare: BARE_TEMPLATE, prepared, switched };
  return made;
}
