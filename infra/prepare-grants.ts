import type { Settings } from '../statemachine/settings.ts';
import { anything, BY_CLOUDFORMATION, type Grant, type Named } from './grants.ts';
import { passTaskRoles, type RelayArns, type RelayParameters } from './relay-arns.ts';

/**
 * What CloudFormation does when `prepare` gives the relay's stack a database, with the rights of the function that executes
 * the change set; also the undoing of an update that failed halfway. Only CloudFormation may use them for it.
 * Sources: Service Authorization Reference of each service; the handlers' permissions in the schemas of the resource types.
 */
export function prepareGrants(arns: RelayArns, settings: Settings, relay: RelayParameters): Grant[] {
  const grants = [
    ...databaseGrants(arns, settings),
    ...networkGrants(arns, relay),
    ...secretGrants(arns),
    ...serviceGrants(arns),
    executionRoleGrant(arns),
    unnamedGrant(),
  ];
  // Passing a role is no call of its own that CloudFormation could make.
  return [
    ...grants.map((grant) => ({ ...grant, conditions: { ...grant.conditions, ...BY_CLOUDFORMATION } })),
    passTaskRoles(arns),
  ];
}

function databaseGrants(arns: RelayArns, { stackName, names }: Settings): Grant[] {
  const generated = `${stackName}-${names.databaseSubnetGroup}`.toLowerCase();
  const subnetGroup = arns.wide('rds', `subgrp:${generated}-*`, 'CloudFormation makes up the end of the name');
  const why = 'Which default group it is depends on the version of PostgreSQL';
  const act = (...actions: string[]): string[] => actions.map((action) => `rds:${action}`);
  return [
    {
      actions: act('CreateDBInstance'),
      resources: [
        arns.database,
        subnetGroup,
        arns.wide('rds', 'pg:default.postgres*', why),
        arns.wide('rds', 'og:default:postgres*', why),
      ],
    },
    { actions: act('CreateDBSubnetGroup', 'DeleteDBSubnetGroup'), resources: [subnetGroup] },
    {
      actions: act('DescribeDBInstances', 'DescribeDBSubnetGroups', 'AddTagsToResource', 'ListTagsForResource'),
      resources: [arns.database, subnetGroup],
    },
    // An instance whose creation failed goes again, by its DeletionPolicy with a snapshot.
    {
      actions: act('DeleteDBInstance', 'CreateDBSnapshot'),
      resources: [
        arns.database,
        arns.wide('rds', `snapshot:${stackName.toLowerCase()}-*`, 'CloudFormation makes up the end of the name'),
      ],
    },
    // The first database of an account brings this role along.
    {
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [arns.role('aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS')],
      conditions: { StringEquals: { 'iam:AWSServiceName': 'rds.amazonaws.com' } },
    },
  ];
}

/** One security group in the relay's VPC. */
function networkGrants(arns: RelayArns, { vpcId }: RelayParameters): Grant[] {
  const vpc = arns.arn('ec2', `vpc/${vpcId}`);
  const groups = arns.wide('ec2', 'security-group/*', 'The group has no id before it is made; the VPC bounds it');
  return [
    { actions: ['ec2:CreateSecurityGroup', 'ec2:DescribeVpcAttribute'], resources: [vpc, groups] },
    { actions: ['ec2:CreateTags'], resources: [groups] },
    {
      actions: ['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress', 'DeleteSecurityGroup'].map(
        (action) => `ec2:${action}`,
      ),
      resources: [groups],
      conditions: { ArnLike: { 'ec2:Vpc': vpc } },
    },
  ];
}

/** Dynamic references in the template are read with the same rights. */
function secretGrants(arns: RelayArns): Grant[] {
  const actions = ['CreateSecret', 'DescribeSecret', 'GetSecretValue', 'TagResource', 'DeleteSecret'];
  return [{ actions: actions.map((action) => `secretsmanager:${action}`), resources: arns.secrets }];
}

/** The tasks of the migrator, the desired count as a parameter, the deregistration delay. */
function serviceGrants(arns: RelayArns): Grant[] {
  const migrator: Named[] = [arns.migration, arns.rollback];
  return [
    { actions: ['ecs:UpdateService', 'ecs:DescribeServices'], resources: [arns.service] },
    { actions: ['ecs:RegisterTaskDefinition', 'ecs:TagResource'], resources: migrator },
    { actions: ['ecs:ListTagsForResource'], resources: [arns.service, arns.taskDefinitions] },
    { actions: ['iam:GetRole'], resources: [arns.executionRole, arns.taskRole] },
    {
      actions: ['ModifyTargetGroup', 'ModifyTargetGroupAttributes'].map((action) => `elasticloadbalancing:${action}`),
      resources: [arns.targetGroup],
    },
  ];
}

/**
 * Lets tasks read the database's URL. IAM cannot say what such a policy may contain: that it comes from the edits alone is
 * held by the guard on the change set, that nobody else writes it by the condition, and that only ECS tasks act by it by
 * the role's trust.
 */
function executionRoleGrant(arns: RelayArns): Grant {
  return {
    actions: ['iam:PutRolePolicy', 'iam:GetRolePolicy', 'iam:DeleteRolePolicy'],
    resources: [arns.executionRole],
  };
}

/** In one statement, since all that a role may do has to fit into 10,240 characters (IAM quotas). */
function unnamedGrant(): Grant {
  const looks = {
    ec2: [
      'SecurityGroups',
      'SecurityGroupRules',
      'Subnets',
      'Vpcs',
      'AccountAttributes',
      'AvailabilityZones',
      'InternetGateways',
    ],
    ecs: ['TaskDefinition'],
    elasticloadbalancing: ['TargetGroups', 'TargetGroupAttributes', 'TargetHealth', 'Tags'],
    rds: ['Events'],
  };
  return {
    actions: [
      ...Object.entries(looks).flatMap(([service, things]) => things.map((thing) => `${service}:Describe${thing}`)),
      'ecs:DeregisterTaskDefinition',
      'secretsmanager:GetRandomPassword',
    ],
    resources: [anything('AWS lets nobody name a resource to these actions')],
  };
}
