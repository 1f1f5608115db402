import { anything, BY_CLOUDFORMATION, type Grant } from './grants.ts';
import type { RelayArns } from './relay-arns.ts';

const NO_STACK = 'The id of a file system names no stack';

/**
 * What CloudFormation does when `finalize` takes the file system out of the relay's stack, with the rights of the function that
 * executes the change set. Only CloudFormation may use them for it. To delete a file system is not among them: the change set
 * lets it go, whatever a template says.
 * Sources: Service Authorization Reference of each service; the handlers' permissions in the schemas of the resource types.
 */
export function removalGrants(arns: RelayArns): Grant[] {
  const efs = (...actions: string[]): string[] => actions.map((action) => `elasticfilesystem:${action}`);
  const grants: Grant[] = [
    {
      actions: efs('DescribeFileSystems', 'DescribeMountTargets', 'DeleteMountTarget'),
      resources: [arns.wide('elasticfilesystem', 'file-system/*', NO_STACK)],
    },
    {
      actions: efs('DescribeAccessPoints', 'DeleteAccessPoint'),
      resources: [
        arns.wide('elasticfilesystem', 'file-system/*', NO_STACK),
        arns.wide('elasticfilesystem', 'access-point/*', NO_STACK),
      ],
    },
    {
      actions: ['ec2:DeleteSecurityGroup', 'ec2:RevokeSecurityGroupIngress'],
      resources: [arns.wide('ec2', 'security-group/*', 'The id of a security group names no stack')],
    },
    {
      actions: [
        'GetRole',
        'GetRolePolicy',
        'ListRolePolicies',
        'ListAttachedRolePolicies',
        'PutRolePolicy',
        'DeleteRolePolicy',
      ].map((action) => `iam:${action}`),
      resources: [arns.taskRole],
    },
    { actions: ['iam:GetRole'], resources: [arns.executionRole] },
    { actions: ['ecs:DescribeServices'], resources: [arns.service] },
    {
      actions: [
        'ecs:DeregisterTaskDefinition',
        'ecs:DescribeTaskDefinition',
        ...['SecurityGroups', 'SecurityGroupRules', 'NetworkInterfaces', 'Subnets'].map(
          (what) => `ec2:Describe${what}`,
        ),
      ],
      resources: [anything('AWS lets nobody name a resource to these actions')],
    },
    deleteInterfaces(arns),
  ];
  return grants.map((grant) => ({ ...grant, conditions: { ...grant.conditions, ...BY_CLOUDFORMATION } }));
}

/** What deletes the file system itself, after the stack has let it go. */
export function fileSystemGrants(arns: RelayArns): Grant[] {
  const actions = ['DescribeFileSystems', 'DescribeMountTargets', 'DeleteMountTarget', 'DeleteFileSystem'];
  return [
    {
      actions: actions.map((action) => `elasticfilesystem:${action}`),
      resources: [arns.wide('elasticfilesystem', 'file-system/*', NO_STACK)],
    },
    deleteInterfaces(arns),
  ];
}

/** EFS takes the network interface of a mount target away with the caller's rights (EFS API reference, DeleteMountTarget). */
function deleteInterfaces(arns: RelayArns): Grant {
  return {
    actions: ['ec2:DeleteNetworkInterface'],
    resources: [arns.wide('ec2', 'network-interface/*', 'The id of a network interface names no stack')],
  };
}
