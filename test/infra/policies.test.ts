import { describe, expect, it } from 'vitest';
import { APPROVAL_KEY_PREFIX } from '../../lambdas/approval/approval-item.ts';
import { FUNCTIONS, type FunctionName } from '../../statemachine/functions.ts';
import {
  ALL_FUNCTION_NAMES,
  ARCHIVER,
  all,
  archiveRole,
  arn,
  FUNCTION_NAMES,
  functionOf,
  gathered,
  grants,
  grantsOf,
  MACHINE_NAMES,
  machineOf,
  mayDo,
  mayOf,
  owners,
  RULE,
  resources,
  settings,
  statements,
  the,
} from '../support/synthesized.ts';

const { stackName } = settings;

describe('the policies', () => {
  it('are those of the snapshot: whoever widens one shows it in the review', async () => {
    const lines = statements().map(({ owner, effect, action, resources: on, condition }) => {
      const under = condition === undefined ? [] : [`    when ${JSON.stringify(condition)}`];
      const what = `  ${effect === 'Deny' ? 'not ' : ''}${action}`;
      return { owner, text: [what, ...on.map((one) => `    ${one}`).sort(), ...under].join('\n') };
    });
    const byOwner = gathered(lines.map(({ owner, text }) => [owner, [text]]));
    const text = Object.keys(byOwner)
      .sort()
      .map((owner) => `${owner}\n${byOwner[owner]?.sort().join('\n')}\n`)
      .join('\n');
    await expect(withoutHashes(text)).toMatchFileSnapshot('./policies.txt');
  });

  /** CDK ends logical ids with eight hexadecimal digits of the construct's path. */
  const withoutHashes = (text: string) => text.replace(/(\$\{[A-Za-z]+?)[0-9A-F]{8}([.}])/g, '$1$2');
});

describe('least privilege', () => {
  it('finds every permission: each role has its owner and one policy, and nothing of AWS or of another resource', () => {
    const types = new Set(Object.values(resources).map(({ Type }) => Type));
    const permitting = [...types].filter((type) => /Permission$|^AWS::IAM::/.test(type));
    expect(permitting.sort()).toEqual(['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::Lambda::Permission']);
    // The schedule, and the end of an execution, may call the one function that they are for.
    const permissions = all('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
    expect(permissions).toMatchObject(
      [
        ['remind', /^\$\{reminderrule[0-9A-F]+\.Arn\}$/] as const,
        ['store-report', /^\$\{reportrule[0-9A-F]+\.Arn\}$/] as const,
      ].map(([name, rule]) => ({
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        FunctionName: `\${${functionOf(name).id}.Arn}`,
        SourceArn: expect.stringMatching(rule),
      })),
    );
    const ownerOf = owners();
    expect(ownerOf.size).toBe(ALL_FUNCTION_NAMES.length + MACHINE_NAMES.length + 2);
    const roles = all('AWS::IAM::Role');
    expect(roles.map(([id]) => `\${${id}.Arn}`).sort()).toEqual([...ownerOf.keys()].sort());
    for (const [id, { Properties }] of roles) {
      const principal: Record<string, string> = {
        [RULE]: 'events',
        [ARCHIVER]: 'ecs-tasks',
        ...Object.fromEntries(MACHINE_NAMES.map((name) => [name, 'states'])),
      };
      const owner = ownerOf.get(`\${${id}.Arn}`) as string;
      expect(Properties.AssumeRolePolicyDocument.Statement, owner).toMatchObject([
        {
          Action: 'sts:AssumeRole',
          Effect: 'Allow',
          Principal: { Service: `${principal[owner] ?? 'lambda'}.amazonaws.com` },
        },
      ]);
      expect([Properties.ManagedPolicyArns, Properties.Policies], owner).toEqual([undefined, undefined]);
    }
    const attached = all('AWS::IAM::Policy').flatMap(([, { Properties }]) => Properties.Roles);
    expect(attached.map((role) => role.replace('}', '.Arn}')).sort()).toEqual([...ownerOf.keys()].sort());
  });

  it('names every action', () => {
    expect(grants().length).toBeGreaterThan(50);
    expect(grants().filter(({ action }) => !/^[a-z0-9-]+:[A-Za-z]+$/.test(action))).toEqual([]);
  });

  it("names resources of the relay's stack and of its own everywhere but where AWS lets nobody name any", () => {
    const named = new RegExp(`[:/]${stackName}[-/]`);
    const isOwn = (one: string) =>
      named.test(one) ||
      Object.keys(resources).some((id) => [`\${${id}}`, `\${${id}.Arn}`].includes(one.replace(/[:/].*$/, ''))) ||
      one === arn('rds-db', `dbuser:\${TargetResourceId}/${settings.verifierRole}`) ||
      one === arn('events', 'rule/StepFunctionsGetEventsForECSTaskRule') ||
      [settings.names.databasePassword, settings.names.databaseUrlSecret].some(
        (name) => one === arn('secretsmanager', `secret:${name}-*`),
      );
    const others = grants().filter((grant) => !grant.resources.every(isOwn));
    const wide = gathered(others.map(({ owner, action }) => [owner, [action]]));
    for (const actions of Object.values(wide)) actions.sort();
    expect(wide).toEqual(WIDE);
    const partly = new Set(others.flatMap((grant) => grant.resources.filter((one) => one !== '*' && !isOwn(one))));
    expect([...partly].sort()).toEqual(WIDER_THAN_THE_STACK);
  });

  it('lets only CloudFormation make databases, groups, secrets and policies, or take them away, and only on behalf of two functions', () => {
    const making =
      /^(rds:(?!Describe)|ec2:(?!Describe|.*(Interface|PrivateIp))|secretsmanager:|iam:(?!PassRole|GetRole$))/;
    // A snapshot is neither: it adds nothing to the stack.
    const found = grants().filter(({ action, owner }) => making.test(action) && owner !== 'database-snapshot');
    expect(found.length).toBeGreaterThan(15);
    expect(new Set(found.map(({ owner }) => owner))).toEqual(new Set(['finalize-stack', 'prepare-stack']));
    for (const { action, condition } of found) {
      expect(condition, action).toMatchObject({
        'ForAnyValue:StringEquals': { 'aws:CalledVia': 'cloudformation.amazonaws.com' },
      });
    }
  });

  it('lets nobody but prepare set the policy that keeps updates from deleting the database', () => {
    expect(mayDo('cloudformation:SetStackPolicy')).toEqual({
      'prepare-stack': [arn('cloudformation', `stack/${stackName}/*`)],
    });
  });

  it('makes no change set with a role', () => {
    const creating = grants().filter(({ action }) => action === 'cloudformation:CreateChangeSet');
    expect(creating.map(({ owner, condition }) => [owner, condition]).toSorted()).toEqual([
      ['change-stack', { Null: { 'cloudformation:RoleArn': 'true' } }],
      ['finalize-stack', { Null: { 'cloudformation:RoleArn': 'true' } }],
      ['prepare-stack', { Null: { 'cloudformation:RoleArn': 'true' } }],
    ]);
  });

  it('lets one function alone delete a file system, and no change set', () => {
    expect(Object.keys(mayDo('elasticfilesystem:DeleteFileSystem'))).toEqual(['delete-file-system']);
    expect(
      grants().filter(({ action }) =>
        /^s3:Delete|^rds:Delete.*Snapshot|^elasticfilesystem:Client(Write|Root)/.test(action),
      ),
    ).toEqual([]);
  });

  it('lets the archiving task mount by an access point, for reading, and put files into the archive of the stack', () => {
    const { id } = the('AWS::S3::Bucket');
    const archive = [`\${${id}.Arn}/archive/${stackName}/*`];
    expect(mayOf(ARCHIVER)).toEqual({
      'elasticfilesystem:ClientMount': [arn('elasticfilesystem', 'file-system/*')],
      ...{ 's3:PutObject': archive, 's3:GetObject': archive, 's3:GetObjectVersion': archive },
    });
    const [mount] = grantsOf(ARCHIVER);
    expect(mount?.condition).toEqual({
      StringLike: { 'elasticfilesystem:AccessPointArn': arn('elasticfilesystem', 'access-point/*') },
    });
  });

  it('lists tasks of one cluster only, and passes the roles of the tasks to ECS tasks only', () => {
    const ofTheCluster = { ArnEquals: { 'ecs:cluster': arn('ecs', `cluster/${stackName}-cluster`) } };
    const listing = grants().filter(({ action }) => action === 'ecs:ListTasks');
    expect(listing.map(({ owner }) => owner).sort()).toEqual(['assert-quiet', 'health-check', 'preflight-prepare']);
    for (const { condition } of listing) expect(condition).toEqual(ofTheCluster);
    const passing = grants().filter(({ action }) => action === 'iam:PassRole');
    expect(passing.map(({ owner }) => owner).sort()).toEqual(
      ['change-stack', ...MACHINE_NAMES, 'finalize', 'prepare-stack'].sort(),
    );
    for (const { condition, resources: roles } of passing) {
      expect(condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
      const expected = [`${stackName}-ECSTaskExecutionRole-*`, `${stackName}-ECSTaskRole-*`];
      if (!roles.includes(archiveRole())) expect(roles.map((role) => role.split('/')[1])).toEqual(expected);
    }
    const ofArchiver = passing.filter(({ resources: roles }) => roles.includes(archiveRole()));
    expect(ofArchiver.map(({ owner, resources: roles }) => [owner, ...roles])).toEqual([['finalize', archiveRole()]]);
  });

  it('lets prepare and finalize run the migrator, cutover and rollback it and the way back, restore the way back alone, and nobody else a task', () => {
    const [migrate, rollback] = ['migrate', 'rollback'].map((name) =>
      arn('ecs', `task-definition/${stackName}-${name}:*`),
    );
    expect(mayDo('ecs:RunTask')).toEqual({
      prepare: [migrate],
      cutover: [migrate, rollback],
      restore: [rollback],
      rollback: [migrate, rollback],
      finalize: [migrate],
    });
  });

  it('lets the rule start restore by its alias, and do nothing else', () => {
    expect(grantsOf(RULE)).toEqual([
      {
        owner: RULE,
        effect: 'Allow',
        action: 'states:StartExecution',
        resources: [machineOf('restore').ref],
        condition: { StringEquals: { 'states:StateMachineQualifier': 'live' } },
      },
    ]);
  });

  it('lets a function in the network sign in as the verifier, write its log, and have its interfaces made for it', () => {
    const own = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    for (const name of FUNCTION_NAMES.filter((one) => FUNCTIONS[one].network === 'database')) {
      const { 'rds-db:connect': user, ...others } = mayOf(name);
      expect(user, name).toEqual([arn('rds-db', `dbuser:\${TargetResourceId}/${settings.verifierRole}`)]);
      const interfaces = Object.keys(others).filter((action) => !own.includes(action));
      expect(interfaces.every((action) => action.startsWith('ec2:'))).toBe(true);
      const denied = statements().filter(({ owner, effect }) => owner === name && effect === 'Deny');
      expect(denied.map(({ action }) => action)).toEqual(interfaces);
      for (const { condition } of denied) expect(condition).toEqual({ Null: { 'lambda:SourceFunctionArn': 'false' } });
    }
    expect(Object.keys(mayDo('rds-db:connect')).sort()).toEqual(['authority', 'read-manifest', 'verify-counts']);
  });

  it('keeps the lock: one function writes it, those that change the relay read it', () => {
    const { id } = the('AWS::DynamoDB::Table');
    const onTable = grants().filter(({ action }) => action.startsWith('dynamodb:'));
    const questions = JSON.stringify({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${APPROVAL_KEY_PREFIX}*`] },
    });
    const near = onTable.filter(({ condition }) => JSON.stringify(condition) !== questions);
    const asking = gathered(
      onTable.filter((grant) => !near.includes(grant)).map(({ owner, action }) => [owner, [action]]),
    );
    expect(asking).toEqual(
      Object.fromEntries(
        ['request-approval', 'answer-approval'].map((name) => [name, ['dynamodb:GetItem', 'dynamodb:PutItem']]),
      ),
    );
    expect(near.map(({ owner, action, resources: on }) => [owner, action, ...on]).sort()).toEqual([
      ['assert-quiet', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['change-stack', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['delete-file-system', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['execution-lock', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['execution-lock', 'dynamodb:PutItem', `\${${id}.Arn}`],
      ['finalize-stack', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['prepare-stack', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['remind', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['scale-service', 'dynamodb:GetItem', `\${${id}.Arn}`],
    ]);
    const executions = ['cutover', 'restore', 'prepare', 'rollback', 'finalize'].map((name) =>
      arn('states', `execution:${stackName}-${name}:*`),
    );
    expect(sorted(mayDo('states:DescribeExecution'))).toEqual({
      'execution-lock': executions.sort(),
      'store-report': executions.sort(),
    });
  });

  it('lets one function answer for a person, and two speak to people', () => {
    const machine = arn('states', `stateMachine:${stackName}-cutover`);
    for (const action of ['states:SendTaskSuccess', 'states:SendTaskFailure'])
      expect(mayDo(action)).toEqual({ 'answer-approval': [machine] });
    const { ref } = the('AWS::SNS::Topic');
    expect(mayDo('sns:Publish')).toEqual({ remind: [ref], 'request-approval': [ref] });
  });

  it("lists this stack's keys of the bucket only, so that a key that is not there yet is told from one that is denied", () => {
    const { id } = the('AWS::S3::Bucket');
    const onBucket = grants().filter(({ action, owner }) => action.startsWith('s3:') && owner !== ARCHIVER);
    const expected = (owner: FunctionName) => [
      [owner, 's3:GetObject', `\${${id}.Arn}/${stackName}/*`, undefined],
      [owner, 's3:PutObject', `\${${id}.Arn}/${stackName}/*`, undefined],
      [owner, 's3:ListBucket', `\${${id}.Arn}`, { StringLike: { 's3:prefix': `${stackName}/*` } }],
    ];
    expect(onBucket.map(({ owner, action, resources: on, condition }) => [owner, action, ...on, condition])).toEqual([
      ...expected('change-stack'),
      ...expected('prepare-stack'),
      ...expected('finalize-stack'),
      // Reports have a place of their own, and nobody reads them there but a person.
      ['store-report', 's3:PutObject', `\${${id}.Arn}/reports/${stackName}/*`, undefined],
    ]);
  });
});

function sorted(resourcesByOwner: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(resourcesByOwner).map(([owner, on]) => [owner, on.toSorted()]));
}

/** Tracing and log delivery are CDK's own, and know no resources. */
const LOGS_AND_TRACES = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

const INTERFACES = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

const WIDE: Record<string, string[]> = {
  preflight: ['ecs:DescribeTaskDefinition', 'elasticloadbalancing:DescribeTargetGroupAttributes'],
  'preflight-prepare': [
    'application-autoscaling:DescribeScalableTargets',
    'cloudformation:BatchDescribeTypeConfigurations',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeSubnets',
    'ecs:DescribeTaskDefinition',
    'ecs:ListTasks',
    'elasticfilesystem:DescribeFileSystems',
    'elasticloadbalancing:DescribeTags',
    'elasticloadbalancing:DescribeTargetGroupAttributes',
    'elasticloadbalancing:DescribeTargetGroups',
    'elasticloadbalancing:DescribeTargetHealth',
  ],
  'change-stack': ['ecs:DeregisterTaskDefinition', 'ecs:DescribeTaskDefinition'],
  'preflight-rollback': ['ecs:DescribeTaskDefinition', 'elasticloadbalancing:DescribeTargetGroupAttributes'],
  'prepare-stack': [
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:CreateSecurityGroup',
    'ec2:CreateTags',
    'ec2:DeleteSecurityGroup',
    'ec2:DescribeAccountAttributes',
    'ec2:DescribeAvailabilityZones',
    'ec2:DescribeInternetGateways',
    'ec2:DescribeSecurityGroupRules',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeSubnets',
    'ec2:DescribeVpcAttribute',
    'ec2:DescribeVpcs',
    'ec2:RevokeSecurityGroupIngress',
    'ecs:DeregisterTaskDefinition',
    'ecs:DescribeTaskDefinition',
    'elasticloadbalancing:DescribeTags',
    'elasticloadbalancing:DescribeTargetGroupAttributes',
    'elasticloadbalancing:DescribeTargetGroups',
    'elasticloadbalancing:DescribeTargetHealth',
    'iam:CreateServiceLinkedRole',
    'rds:CreateDBInstance',
    'rds:DescribeEvents',
    'secretsmanager:GetRandomPassword',
  ],
  'preflight-finalize': [
    'ecs:DescribeTaskDefinition',
    'elasticfilesystem:DescribeFileSystems',
    'elasticloadbalancing:DescribeTargetGroupAttributes',
  ],
  'finalize-stack': [
    'ec2:DeleteNetworkInterface',
    'ec2:DeleteSecurityGroup',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSecurityGroupRules',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeSubnets',
    'ec2:RevokeSecurityGroupIngress',
    'ecs:DeregisterTaskDefinition',
    'ecs:DescribeTaskDefinition',
    'elasticfilesystem:DeleteAccessPoint',
    'elasticfilesystem:DeleteMountTarget',
    'elasticfilesystem:DescribeAccessPoints',
    'elasticfilesystem:DescribeFileSystems',
    'elasticfilesystem:DescribeMountTargets',
  ],
  'database-snapshot': ['rds:DescribeDBSnapshots'],
  'delete-file-system': [
    'ec2:DeleteNetworkInterface',
    'elasticfilesystem:DeleteFileSystem',
    'elasticfilesystem:DeleteMountTarget',
    'elasticfilesystem:DescribeFileSystems',
    'elasticfilesystem:DescribeMountTargets',
  ],
  'deregister-tasks': ['ecs:DeregisterTaskDefinition', 'ecs:ListTaskDefinitions'],
  [ARCHIVER]: ['elasticfilesystem:ClientMount'],
  'assert-quiet': ['ecs:ListTasks'],
  'health-check': ['ecs:ListTasks'],
  authority: INTERFACES,
  'read-manifest': INTERFACES,
  'verify-counts': INTERFACES,
  ...Object.fromEntries(MACHINE_NAMES.map((name) => [name, LOGS_AND_TRACES])),
};

const WIDER_THAN_THE_STACK = [
  `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS`,
  arn('ec2', 'network-interface/*'),
  arn('ec2', 'security-group/*'),
  arn('ec2', `vpc/\${VpcId}`),
  arn('elasticfilesystem', 'access-point/*'),
  arn('elasticfilesystem', 'file-system/*'),
  arn('rds', 'snapshot:*'),
  arn('rds', 'og:default:postgres*'),
  arn('rds', 'pg:default.postgres*'),
].sort();
