import type { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { FunctionName } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { fileSystemGrants, removalGrants } from './finalize-grants.ts';
import { anything, type Grant } from './grants.ts';
import { prepareGrants } from './prepare-grants.ts';
import { passTaskRoles, type RelayArns, type RelayParameters, relayArns } from './relay-arns.ts';

export interface FunctionPlan {
  /** Only where somebody has to find the function by it. */
  functionName?: string;
  memoryMegabytes: number;
  timeoutSeconds: number;
  environment: Record<string, string>;
  grants: Grant[];
}

/** What the functions work with. */
export interface Surroundings {
  settings: Settings;
  relay: RelayParameters;
  locks: Table;
  artefacts: Bucket;
  topic: Topic;
  /** ARN of the role of the task that archives the file system. */
  archiveRole: string;
}

/** Of each function: its size, what it is told, and everything that it may do. */
export function functionPlans(stack: Stack, surroundings: Surroundings): Record<FunctionName, FunctionPlan> {
  const { settings, relay, locks, artefacts, topic, archiveRole } = surroundings;
  const arns = relayArns(stack, settings);
  const small = { memoryMegabytes: 256, timeoutSeconds: 60 };
  // To edit a template, and to prove each edit, takes a second of a whole CPU, and Lambda gives CPU by memory.
  const editing = { memoryMegabytes: 1024, timeoutSeconds: 60 };
  const knowsLock = { LOCK_TABLE: locks.tableName };
  const readLock: Grant = { actions: ['dynamodb:GetItem'], resources: [locks.tableArn] };
  const read = readGrants(arns);
  const changesStack = {
    ...editing,
    environment: { ...knowsLock, ARTEFACT_BUCKET: artefacts.bucketName },
  };
  const changeSets = [readLock, ...changeSetGrants(arns), ...artefactGrants(artefacts, settings)];
  const database = { environment: { VERIFIER_ROLE: settings.verifierRole }, grants: [signIn(arns, settings, relay)] };
  return {
    preflight: { ...editing, environment: {}, grants: [...read.relay, read.database] },
    'preflight-prepare': {
      ...editing,
      environment: {},
      grants: [...read.relay, ...read.tasks, ...read.surroundings, ...read.drift, read.database],
    },
    'preflight-rollback': { ...editing, environment: {}, grants: [...read.relay, read.database] },
    'change-stack': { ...changesStack, grants: [...changeSets, ...relayUpdateGrants(arns)] },
    'prepare-stack': {
      ...changesStack,
      grants: [...changeSets, protectionGrant(arns), ...prepareGrants(arns, settings, relay)],
    },
    'request-approval': {
      ...small,
      environment: { ...knowsLock, TOPIC_ARN: topic.topicArn },
      grants: [approvals(locks), { actions: ['sns:Publish'], resources: [topic.topicArn] }],
    },
    'preflight-finalize': {
      ...editing,
      environment: { ARCHIVE_BUCKET: artefacts.bucketName, ARCHIVE_ROLE: archiveRole },
      grants: [...read.relay, read.fileSystems, read.database],
    },
    'finalize-stack': { ...changesStack, grants: [...changeSets, ...removalGrants(arns)] },
    'database-snapshot': { ...small, environment: {}, grants: snapshotGrants(arns, settings) },
    'delete-file-system': { ...small, environment: knowsLock, grants: [readLock, ...fileSystemGrants(arns)] },
    'deregister-tasks': {
      ...small,
      environment: {},
      grants: [
        {
          actions: ['ecs:ListTaskDefinitions', 'ecs:DeregisterTaskDefinition'],
          resources: [anything('AWS lets nobody name a resource to these actions')],
        },
      ],
    },
    'scale-service': {
      ...small,
      environment: knowsLock,
      grants: [readLock, { actions: ['ecs:UpdateService'], resources: [arns.service] }],
    },
    'assert-quiet': {
      ...small,
      environment: knowsLock,
      grants: [
        { actions: ['cloudformation:DescribeStacks'], resources: [arns.stack] },
        readLock,
        ...read.tasks,
        { actions: ['ecs:StopTask'], resources: [arns.tasks] },
      ],
    },
    'execution-lock': {
      ...small,
      environment: knowsLock,
      grants: [
        readLock,
        { actions: ['dynamodb:PutItem'], resources: [locks.tableArn] },
        // Any of them may have had the lock; started by an alias, an execution still has the ARN of its machine.
        {
          actions: ['states:DescribeExecution'],
          resources: ['cutover', 'restore', 'prepare', 'rollback', 'finalize'].map((machine) =>
            arns.executions(machine),
          ),
        },
      ],
    },
    // An answer of a relay that means harm may take 200 MiB before it is given up (lambdas/nostr-frames.ts).
    'health-check': { ...small, memoryMegabytes: 512, environment: {}, grants: [read.service, ...read.tasks] },
    authority: { ...small, ...database },
    'read-manifest': { ...small, ...database },
    'verify-counts': { memoryMegabytes: 1024, timeoutSeconds: settings.verifyTimeoutSeconds, ...database },
  };
}

/** The questions in the table of the locks; by none of them a lock can be changed. */
export function approvals(locks: Table): Grant {
  return {
    actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    resources: [locks.tableArn],
    conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['approval#*'] } },
  };
}

/** What the functions look at. Nothing of it changes anything. */
function readGrants(arns: RelayArns) {
  const service: Grant = { actions: ['ecs:DescribeServices'], resources: [arns.service] };
  const fileSystems: Grant = {
    actions: ['elasticfilesystem:DescribeFileSystems'],
    resources: [arns.wide('elasticfilesystem', 'file-system/*', 'The id of a file system names no stack')],
  };
  return {
    service,
    fileSystems,
    relay: [
      {
        actions: ['DescribeStacks', 'DescribeStackResources', 'GetTemplate'].map((name) => `cloudformation:${name}`),
        resources: [arns.stack],
      },
      service,
      {
        actions: ['ecs:DescribeTaskDefinition', 'elasticloadbalancing:DescribeTargetGroupAttributes'],
        resources: [anything('AWS lets nobody name a resource to these actions')],
      },
    ] satisfies Grant[],
    tasks: [
      { actions: ['ecs:DescribeTasks'], resources: [arns.tasks] },
      {
        actions: ['ecs:ListTasks'],
        resources: [
          anything(
            'ListTasks knows no resource but a container instance, which Fargate has not; the condition does it',
          ),
        ],
        conditions: { ArnEquals: { 'ecs:cluster': arns.cluster } },
      },
    ] satisfies Grant[],
    surroundings: [
      {
        actions: [
          'ec2:DescribeSubnets',
          'ec2:DescribeSecurityGroups',
          'application-autoscaling:DescribeScalableTargets',
        ],
        resources: [anything('AWS lets nobody name a resource to these actions')],
      },
      fileSystems,
    ] satisfies Grant[],
    // CloudFormation finds a drift by reading the resource with the caller's rights.
    drift: [
      { actions: ['cloudformation:DetectStackResourceDrift'], resources: [arns.stack] },
      { actions: ['ecs:ListTagsForResource'], resources: [arns.service, arns.taskDefinitions] },
      {
        actions: [
          'cloudformation:BatchDescribeTypeConfigurations',
          ...['TargetGroups', 'TargetHealth', 'Tags'].map((what) => `elasticloadbalancing:Describe${what}`),
        ],
        resources: [anything('AWS lets nobody name a resource to these actions')],
      },
    ] satisfies Grant[],
    database: { actions: ['rds:DescribeDBInstances'], resources: [arns.database] } satisfies Grant,
  };
}

/** One snapshot of the database, where there is no recent one; none is ever deleted. */
function snapshotGrants(arns: RelayArns, { stackName }: Settings): Grant[] {
  const name = `snapshot:${stackName.toLowerCase()}-db-finalize-*`;
  const why = 'The end of the name is made from the execution';
  return [
    {
      actions: ['rds:DescribeDBSnapshots'],
      resources: [arns.database, arns.wide('rds', 'snapshot:*', 'RDS makes up the names of its automated snapshots')],
    },
    { actions: ['rds:CreateDBSnapshot'], resources: [arns.database, arns.wide('rds', name, why)] },
  ];
}

/** Making, looking at and executing change sets of the relay's stack, whatever is in them. */
function changeSetGrants(arns: RelayArns): Grant[] {
  const act = (...names: string[]): string[] => names.map((name) => `cloudformation:${name}`);
  return [
    {
      actions: act('CreateChangeSet'),
      resources: [arns.stack],
      // A role that came with a change set would stay with the stack for good.
      conditions: { Null: { 'cloudformation:RoleArn': 'true' } },
    },
    {
      actions: [
        ...act('DescribeStacks', 'GetTemplate', 'DescribeStackEvents', 'DescribeChangeSet', 'ListChangeSets'),
        ...act('DeleteChangeSet', 'ExecuteChangeSet', 'CancelUpdateStack'),
      ],
      resources: [arns.stack],
    },
  ];
}

/** The policy that keeps updates from deleting the database. Who sets it could lift it: not the function of the cutover. */
function protectionGrant(arns: RelayArns): Grant {
  return { actions: ['cloudformation:GetStackPolicy', 'cloudformation:SetStackPolicy'], resources: [arns.stack] };
}

function artefactGrants(artefacts: Bucket, { stackName }: Settings): Grant[] {
  const why = 'Each execution has a folder of its own in the folder of the stack';
  return [
    {
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [{ arn: artefacts.arnForObjects(`${stackName}/*`), why }],
    },
    // Without it S3 answers "access denied" where it means that a key is not there yet (S3 API reference, GetObject).
    {
      actions: ['s3:ListBucket'],
      resources: [artefacts.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${stackName}/*` } },
    },
  ];
}

/**
 * Without a role of its own CloudFormation acts with the rights of the caller: what the updates of a cutover and of its way
 * back do stands here. They change the service and the relay's task definition. Not tied to CloudFormation by a condition,
 * since a right that is missing would be found in the write stop.
 */
function relayUpdateGrants(arns: RelayArns): Grant[] {
  return [
    { actions: ['ecs:UpdateService', 'ecs:DescribeServices'], resources: [arns.service] },
    { actions: ['ecs:RegisterTaskDefinition', 'ecs:TagResource'], resources: [arns.taskDefinitions] },
    { actions: ['ecs:ListTagsForResource'], resources: [arns.service, arns.taskDefinitions] },
    { actions: ['iam:GetRole'], resources: [arns.executionRole, arns.taskRole] },
    {
      actions: ['ecs:DeregisterTaskDefinition', 'ecs:DescribeTaskDefinition'],
      resources: [anything('AWS lets nobody name a resource to these actions')],
    },
    passTaskRoles(arns),
  ];
}

/**
 * The user is fixed, so the role reaches nothing that has no such user. The instance comes to be by `prepare`, after this
 * stack: until the next deployment its id is `*`.
 */
function signIn(arns: RelayArns, { verifierRole }: Settings, { targetResourceId }: RelayParameters): Grant {
  return { actions: ['rds-db:connect'], resources: [arns.arn('rds-db', `dbuser:${targetResourceId}/${verifierRole}`)] };
}
