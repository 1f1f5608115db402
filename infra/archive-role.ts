import type { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Settings } from '../statemachine/settings.ts';
import { grantTo } from './grants.ts';
import { relayArns } from './relay-arns.ts';

/**
 * The role of the one task that archives the file system, in the place of the relay's own: a relay has nothing to do in the
 * bucket, and this task nothing to write on the file system.
 */
export function createArchiveRole(stack: Stack, settings: Settings, artefacts: Bucket): Role {
  const arns = relayArns(stack, settings);
  const role = new Role(stack, 'archive-role', {
    assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': arns.arn('ecs', '*') },
      },
    }),
    description: "The task that archives SQLite's file system: it reads there, and writes to the archive",
  });
  grantTo(role, [
    {
      // Without ClientWrite a mount is for reading only.
      actions: ['elasticfilesystem:ClientMount'],
      resources: [arns.wide('elasticfilesystem', 'file-system/*', 'The id of a file system names no stack')],
      conditions: {
        StringLike: { 'elasticfilesystem:AccessPointArn': arns.arn('elasticfilesystem', 'access-point/*') },
      },
    },
    {
      actions: ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'],
      resources: [
        {
          arn: artefacts.arnForObjects(`archive/${settings.stackName}/*`),
          why: 'Each execution has a folder of its own in the archive of the stack',
        },
      ],
    },
  ]);
  return role;
}
