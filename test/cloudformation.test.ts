import { describe, expect, it } from 'vitest';
import { createCloudFormation, type LocalCloudFormation } from '../rehearsal/cloudformation/local-cloudformation.ts';
import { providersByType } from '../rehearsal/cloudformation/provider.ts';
import {
  deployedStack,
  parameters,
  password,
  place,
  quickClock,
  recordingProvider,
  secretKey,
  stackName,
  templateText,
} from './support/local-stack.ts';

const keep = ['EnvironmentName', 'RelayDomainName', 'MigratorImage', 'RelaySecretKey', 'AdminPubkey', 'AdminPubkeys'];
const kept = keep.map((ParameterKey) => ({ ParameterKey, UsePreviousValue: true }));
const keptWith = (values: Record<string, string>) => [
  ...kept,
  ...['ContainerImage', 'RelayDesiredCount'].map((ParameterKey) =>
    ParameterKey in values
      ? { ParameterKey, ParameterValue: values[ParameterKey] ?? '' }
      : { ParameterKey, UsePreviousValue: true },
  ),
];

async function until<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 500; tries += 1) {
    const answer = await ask();
    if (done(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error('It did not come to the expected state in 500 questions');
}

interface ChangeSet {
  Status: string;
  StatusReason?: string;
  ExecutionStatus: string;
  ChangeSetId: string;
  Changes: { ResourceChange: Record<string, unknown> }[];
  NextToken?: string;
}

async function changeSet(
  local: LocalCloudFormation,
  name: string,
  values: Record<string, string>,
  text = templateText,
): Promise<ChangeSet> {
  await local.call('CreateChangeSet', {
    StackName: stackName,
    ChangeSetName: name,
    TemplateBody: text,
    Parameters: keptWith(values),
    Capabilities: ['CAPABILITY_IAM'],
  });
  const made = await until(
    () =>
      local.call('DescribeChangeSet', { StackName: stackName, ChangeSetName: name }) as unknown as Promise<ChangeSet>,
    ({ Status }) => Status !== 'CREATE_IN_PROGRESS',
  );
  for (let token = made.NextToken; token !== undefined; ) {
    const input = { StackName: stackName, ChangeSetName: name, NextToken: token };
    const next = (await local.call('DescribeChangeSet', input)) as unknown as ChangeSet;
    made.Changes.push(...next.Changes);
    token = next.NextToken;
  }
  return made;
}

async function stackOf(local: LocalCloudFormation): Promise<Record<string, unknown>> {
  const { Stacks } = await local.call('DescribeStacks', { StackName: stackName });
  return (Stacks as Record<string, unknown>[])[0] ?? {};
}

/** All events, oldest first, as `LogicalId STATUS reason`. */
async function eventsOf(local: LocalCloudFormation): Promise<string[]> {
  const lines: string[] = [];
  let token: unknown;
  do {
    const input = { StackName: stackName, ...(token === undefined ? {} : { NextToken: String(token) }) };
    const page = await local.call('DescribeStackEvents', input);
    for (const event of page.StackEvents as Record<string, string>[]) {
      const { LogicalResourceId, ResourceStatus, ResourceStatusReason = '' } = event;
      lines.unshift(`${LogicalResourceId} ${ResourceStatus} ${ResourceStatusReason}`.trim());
    }
    token = page.NextToken;
  } while (token !== undefined);
  return lines;
}

async function executed(local: LocalCloudFormation, name: string): Promise<void> {
  await local.call('ExecuteChangeSet', { StackName: stackName, ChangeSetName: name });
  await local.settled(stackName);
}

describe('the local CloudFormation, creating the stack', () => {
  it('makes every resource after what it needs', async () => {
    const provider = recordingProvider();
    const local = createCloudFormation({
      clock: quickClock,
      ...place,
      resources: provider,
      resolveSecret: async () => password,
    });
    await local.deploy(stackName, templateText, parameters);
    const order = provider.calls.map(({ resource }) => resource.logicalId);
    const inOrder = (first: string, second: string) => expect(order.indexOf(first)).toBeLessThan(order.indexOf(second));
    inOrder('RDSPassword', 'RDSInstance');
    inOrder('RDSInstance', 'RelayDatabaseUrl');
    inOrder('EFSMountTarget2', 'ZooidRelayService');
    inOrder('InternetGatewayAttachment', 'DefaultPublicRoute');
    inOrder('ZooidRelayTaskDefinition', 'ZooidRelayService');
    expect(new Set(order).size).toBe(order.length);
  });

  it('gives providers properties with every intrinsic worked out and the secret in its place', async () => {
    const provider = recordingProvider();
    const local = createCloudFormation({
      clock: quickClock,
      ...place,
      resources: provider,
      resolveSecret: async () => password,
    });
    await local.deploy(stackName, templateText, parameters);
    const given = Object.fromEntries(provider.calls.map(({ resource }) => [resource.logicalId, resource.properties]));
    expect(given.PublicSubnet2).toMatchObject({ AvailabilityZone: 'me-central-1b' });
    expect(given.RDSInstance).toMatchObject({
      DBInstanceIdentifier: 'sphere-zooid-relay-db',
      MasterUserPassword: password,
      BackupRetentionPeriod: 7,
    });
    expect(given.RelayDatabaseUrl?.SecretString).toMatch(
      new RegExp(
        `^postgres://zooid:${password}@sphere-zooid-relay-db\\..*\\.rds\\.amazonaws\\.com:5432/zooid\\?sslmode=require$`,
      ),
    );
    expect(given.ZooidRelayService).toMatchObject({ DesiredCount: 1, Cluster: 'sphere-zooid-relay-cluster' });
    expect(given.ECSTaskExecutionRole).toMatchObject({
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy'],
    });
  });

  it('shows the stack as the API does: outputs, masked parameters, resources, the text as it was', async () => {
    const { local } = await deployedStack();
    const stack = await stackOf(local);
    expect(stack).toMatchObject({ StackStatus: 'CREATE_COMPLETE', Capabilities: ['CAPABILITY_IAM'] });
    expect(stack.CreationTime).toBeInstanceOf(Date);
    expect(stack.Parameters).toContainEqual({ ParameterKey: 'RelaySecretKey', ParameterValue: '****' });
    expect(stack.Parameters).toContainEqual({ ParameterKey: 'RelayDesiredCount', ParameterValue: '1' });
    expect(local.stackOutputs(stackName)).toMatchObject({
      ECSClusterName: 'sphere-zooid-relay-cluster',
      ECSServiceName: 'sphere-zooid-relay-zooid-relay',
      WebSocketSecureEndpoint: 'wss://sphere-relay.unicity.network',
    });
    const { StackResources } = await local.call('DescribeStackResources', {
      StackName: stackName,
      LogicalResourceId: 'ZooidRelayTaskDefinition',
    });
    expect(StackResources).toMatchObject([
      { PhysicalResourceId: 'arn:aws:ecs:me-central-1:111122223333:task-definition/sphere-zooid-relay-zooid-relay:1' },
    ]);
    const { TemplateBody } = await local.call('getTemplate', { StackName: stackName, TemplateStage: 'Original' });
    expect(TemplateBody).toBe(templateText);
  });

  it('shows no secret in any answer', async () => {
    const { local } = await deployedStack();
    await changeSet(local, 'one', { RelayDesiredCount: '0' });
    const answers = [
      await stackOf(local),
      await eventsOf(local),
      await local.call('DescribeStackResources', { StackName: stackName }),
      await local.call('DescribeChangeSet', { StackName: stackName, ChangeSetName: 'one' }),
      await local.call('GetTemplate', { StackName: stackName }),
    ];
    expect(JSON.stringify(answers)).not.toContain(password);
    expect(JSON.stringify(answers)).not.toContain(secretKey);
  });

  it('takes back what it made when a resource fails, and says which and why', async () => {
    const provider = recordingProvider();
    provider.before = async ({ verb, resource }) => {
      if (verb === 'create' && resource.logicalId === 'ECSCluster') throw new Error('no more clusters');
    };
    const local = createCloudFormation({ clock: quickClock, ...place, resources: provider });
    await expect(local.deploy(stackName, templateText, parameters)).rejects.toThrow(
      'The stack sphere-zooid-relay could not be created and is in ROLLBACK_COMPLETE: ECSCluster: no more clusters. Expected CREATE_COMPLETE. Correct the template or its parameters.',
    );
    const made = provider.calls.filter(({ verb }) => verb === 'create').map(({ resource }) => resource.logicalId);
    const deleted = provider.calls.filter(({ verb }) => verb === 'delete').map(({ resource }) => resource.logicalId);
    expect(deleted).toEqual(made.filter((logicalId) => logicalId !== 'ECSCluster').reverse());
  });

  it('hands types to the providers that are named for them', async () => {
    const [services, others] = [recordingProvider(), recordingProvider()];
    const resources = providersByType({ 'AWS::ECS::Service': services }, others);
    const local = createCloudFormation({ clock: quickClock, ...place, resources, resolveSecret: async () => password });
    await local.deploy(stackName, templateText, parameters);
    expect(services.calls.map(({ resource }) => resource.logicalId)).toEqual(['ZooidRelayService']);
    expect(others.calls.map(({ resource }) => resource.type)).not.toContain('AWS::ECS::Service');
  });
});

describe('a change set of the local CloudFormation', () => {
  it('shows a changed count as CloudFormation does, with its echo in the alarms', async () => {
    const { local } = await deployedStack();
    const { Status, ExecutionStatus, Changes } = await changeSet(local, 'count', { RelayDesiredCount: '0' });
    expect({ Status, ExecutionStatus }).toEqual({ Status: 'CREATE_COMPLETE', ExecutionStatus: 'AVAILABLE' });
    const target = { Attribute: 'Properties', Name: 'DesiredCount', RequiresRecreation: 'Never' };
    const echo = {
      Action: 'Modify',
      Replacement: 'False',
      Details: [
        {
          Target: { Attribute: 'Properties', Name: 'Dimensions', RequiresRecreation: 'Never' },
          Evaluation: 'Dynamic',
          ChangeSource: 'ResourceAttribute',
          CausingEntity: 'ZooidRelayService.Name',
        },
      ],
    };
    expect(Changes.map(({ ResourceChange }) => ResourceChange)).toMatchObject([
      { LogicalResourceId: 'HighCPUAlarm', ...echo },
      { LogicalResourceId: 'HighMemoryAlarm', ...echo },
      {
        LogicalResourceId: 'ZooidRelayService',
        ResourceType: 'AWS::ECS::Service',
        Action: 'Modify',
        Replacement: 'False',
        Scope: ['Properties'],
        Details: [
          { Target: target, Evaluation: 'Dynamic', ChangeSource: 'DirectModification' },
          {
            Target: target,
            Evaluation: 'Static',
            ChangeSource: 'ParameterReference',
            CausingEntity: 'RelayDesiredCount',
          },
        ],
      },
    ]);
  });

  it('shows another image as a replaced task definition, and the service that follows it', async () => {
    const { local } = await deployedStack();
    const { Changes } = await changeSet(local, 'image', { ContainerImage: 'other:tag' });
    const service = Changes.find(({ ResourceChange }) => ResourceChange.LogicalResourceId === 'ZooidRelayService');
    const task = Changes.find(({ ResourceChange }) => ResourceChange.LogicalResourceId === 'ZooidRelayTaskDefinition');
    expect(task?.ResourceChange).toMatchObject({ Replacement: 'True' });
    expect(service?.ResourceChange).toMatchObject({
      Replacement: 'False',
      Details: [
        {
          Target: { Name: 'TaskDefinition' },
          Evaluation: 'Static',
          ChangeSource: 'ResourceReference',
          CausingEntity: 'ZooidRelayTaskDefinition',
        },
      ],
    });
  });

  it('shows additions and removals', async () => {
    const { local } = await deployedStack();
    const start = templateText.indexOf('  HighMemoryAlarm:');
    const alarm = templateText.slice(start, templateText.indexOf('Outputs:'));
    const text = templateText.replace(alarm, alarm.replace('HighMemoryAlarm', 'OtherAlarm'));
    const { Changes } = await changeSet(local, 'swap', {}, text);
    expect(
      Changes.map(({ ResourceChange: { Action, LogicalResourceId } }) => `${Action} ${LogicalResourceId}`),
    ).toEqual(['Remove HighMemoryAlarm', 'Add OtherAlarm']);
  });

  it.each([
    ['the same text', templateText],
    ['another comment', templateText.replace('# --- PostgreSQL', '# --- Postgres')],
    ['another DependsOn', templateText.replace('      - EFSMountTarget2\n', '')],
  ])('fails without changes for %s', async (_, text) => {
    const { local } = await deployedStack();
    const empty = await changeSet(local, 'empty', {}, text);
    expect(empty).toMatchObject({
      Status: 'FAILED',
      ExecutionStatus: 'UNAVAILABLE',
      StatusReason:
        "The submitted information didn't contain changes. Submit different information to create a change set.",
      Changes: [],
    });
  });

  it('takes the default for a parameter that is left out, also where the stack has another value', async () => {
    const { local } = await deployedStack();
    await changeSet(local, 'zero', { RelayDesiredCount: '0' });
    await executed(local, 'zero');
    const Parameters = keptWith({}).filter(({ ParameterKey }) => ParameterKey !== 'RelayDesiredCount');
    await local.call('CreateChangeSet', {
      StackName: stackName,
      ChangeSetName: 'careless',
      UsePreviousTemplate: true,
      Parameters,
      Capabilities: ['CAPABILITY_IAM'],
    });
    const { Parameters: shown } = await local.call('DescribeChangeSet', {
      StackName: stackName,
      ChangeSetName: 'careless',
    });
    expect(shown).toContainEqual({ ParameterKey: 'RelayDesiredCount', ParameterValue: '1' });
  });

  const request = { StackName: stackName, ChangeSetName: 'refused', Capabilities: ['CAPABILITY_IAM'] };
  const withText = (from: string, to: string) => templateText.replace(from, to);
  it.each([
    ['an unknown stack', { StackName: 'other' }, 'ValidationError', /^Stack with id other does not exist$/],
    [
      'missing capabilities',
      { Capabilities: [] },
      'InsufficientCapabilitiesException',
      /^Requires capabilities : \[CAPABILITY_IAM\]$/,
    ],
    [
      'a missing parameter',
      { Parameters: [] },
      'ValidationError',
      /^Parameters: \[RelaySecretKey, AdminPubkey, AdminPubkeys\] must have values$/,
    ],
    [
      'an unknown parameter',
      { Parameters: [...keptWith({}), { ParameterKey: 'Foo', ParameterValue: '1' }] },
      'ValidationError',
      /^Parameters: \[Foo\] do not exist in the template$/,
    ],
    [
      'a count over the largest',
      { Parameters: keptWith({ RelayDesiredCount: '2' }) },
      'ValidationError',
      /^Parameter 'RelayDesiredCount' must be a number not greater than 1$/,
    ],
    [
      'an intrinsic that it does not know',
      { TemplateBody: withText('CidrBlock: 10.1.0.0/16', "CidrBlock: !ImportValue 'x'") },
      'ValidationError',
      /^Template error: the local CloudFormation does not know Fn::ImportValue\. It knows Ref, Fn::GetAtt/,
    ],
    [
      'an unknown attribute',
      { TemplateBody: withText('!GetAtt EFSFileSystem.Arn', '!GetAtt EFSFileSystem.Nope') },
      'ValidationError',
      /^Template error: resource EFSFileSystem does not support attribute type Nope in Fn::GetAtt/,
    ],
    [
      'a reference to nothing',
      { TemplateBody: withText('!Ref EFSSecurityGroup', '!Ref Nothing') },
      'ValidationError',
      /^Template format error: Unresolved resource dependencies \[EFSMountTarget1 -> Nothing\]/,
    ],
    [
      'a circle',
      {
        TemplateBody: withText('    Type: AWS::EC2::VPC\n', '    Type: AWS::EC2::VPC\n    DependsOn: PublicSubnet1\n'),
      },
      'ValidationError',
      /^Circular dependency between resources: \[.*VPC/,
    ],
    [
      'another type for a resource',
      { TemplateBody: withText('AWS::ECS::Cluster', 'AWS::ECS::Klaster') },
      'ValidationError',
      /^Update of resource type is not permitted.*\[ECSCluster\]$/,
    ],
    [
      'a section that it does not know',
      { TemplateBody: `${templateText}Conditions: {}\n` },
      'ValidationError',
      /section Conditions$/,
    ],
  ])('refuses %s', async (_, difference, name, message) => {
    const { local } = await deployedStack();
    const input = { ...request, TemplateBody: templateText, Parameters: keptWith({}), ...difference };
    const error = await local.call('CreateChangeSet', input).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
  });

  it('is the same for the same request again, and refused for another one of the same name', async () => {
    const { local } = await deployedStack();
    const input = { ...request, TemplateBody: templateText, Parameters: keptWith({ RelayDesiredCount: '0' }) };
    const first = await local.call('CreateChangeSet', input);
    expect(await local.call('CreateChangeSet', input)).toEqual(first);
    await expect(
      local.call('CreateChangeSet', { ...input, Parameters: keptWith({ ContainerImage: 'x:y' }) }),
    ).rejects.toMatchObject({
      name: 'AlreadyExistsException',
      message: 'ChangeSet refused cannot be created due to a mismatch with existing attribute Parameters',
    });
  });

  it('cannot be executed while it is made, a second time, or when another one was', async () => {
    const { local } = await deployedStack();
    const input = { ...request, TemplateBody: templateText, Parameters: keptWith({ ContainerImage: 'x:y' }) };
    const { Id } = await local.call('CreateChangeSet', input);
    const execute = (name: string) => local.call('ExecuteChangeSet', { StackName: stackName, ChangeSetName: name });
    await expect(execute('refused')).rejects.toMatchObject({
      name: 'InvalidChangeSetStatusException',
      message: `ChangeSet [${Id}] cannot be executed in its current status of [CREATE_IN_PROGRESS]`,
    });
    await changeSet(local, 'count', { RelayDesiredCount: '0' });
    await executed(local, 'count');
    await expect(execute('count')).rejects.toThrow('in its current execution status of [EXECUTE_COMPLETE]');
    await expect(execute('refused')).rejects.toThrow('in its current execution status of [OBSOLETE]');
    await local.call('DeleteChangeSet', { StackName: stackName, ChangeSetName: 'refused' });
    await expect(execute('refused')).rejects.toMatchObject({
      name: 'ChangeSetNotFoundException',
      message: 'ChangeSet [refused] does not exist',
    });
  });
});

describe('an update of the local CloudFormation', () => {
  it('gives the service all its properties again, and touches nothing that only might have changed', async () => {
    const { local, provider } = await deployedStack();
    await changeSet(local, 'count', { RelayDesiredCount: '0' });
    await executed(local, 'count');
    expect(provider.calls.map(({ verb, resource }) => `${verb} ${resource.logicalId}`)).toEqual([
      'update ZooidRelayService',
    ]);
    const [call] = provider.calls;
    expect(call?.resource.properties).toMatchObject({ DesiredCount: 0, LaunchType: 'FARGATE' });
    expect(call?.resource.previous?.properties).toMatchObject({ DesiredCount: 1 });
  });

  it('makes the new task definition, moves the service, and deletes the old one last', async () => {
    const { local, provider } = await deployedStack();
    await changeSet(local, 'image', { ContainerImage: 'other:tag' });
    const before = (await eventsOf(local)).length;
    await executed(local, 'image');
    expect((await eventsOf(local)).slice(before)).toEqual([
      'sphere-zooid-relay UPDATE_IN_PROGRESS User Initiated',
      'ZooidRelayTaskDefinition UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.',
      'ZooidRelayTaskDefinition UPDATE_COMPLETE',
      'ZooidRelayService UPDATE_IN_PROGRESS',
      'ZooidRelayService UPDATE_COMPLETE',
      'sphere-zooid-relay UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'ZooidRelayTaskDefinition DELETE_IN_PROGRESS',
      'ZooidRelayTaskDefinition DELETE_COMPLETE',
      'sphere-zooid-relay UPDATE_COMPLETE',
    ]);
    const family = 'arn:aws:ecs:me-central-1:111122223333:task-definition/sphere-zooid-relay-zooid-relay';
    expect(provider.calls.map(({ verb, resource }) => [verb, resource.previous?.physicalId])).toEqual([
      ['create', `${family}:1`],
      ['update', local.stackResources(stackName).ZooidRelayService],
      ['delete', `${family}:1`],
    ]);
    expect(provider.calls[1]?.resource.properties.TaskDefinition).toBe(`${family}:2`);
    expect(local.stackResources(stackName).ZooidRelayTaskDefinition).toBe(`${family}:2`);
  });

  it('goes back in reverse when a provider fails, and names it', async () => {
    const { local, provider } = await deployedStack();
    await changeSet(local, 'image', { ContainerImage: 'other:tag', RelayDesiredCount: '0' });
    provider.before = async ({ verb, resource }) => {
      if (verb === 'update' && resource.properties.DesiredCount === 0) throw new Error('no capacity');
    };
    const before = (await eventsOf(local)).length;
    await executed(local, 'image');
    expect((await eventsOf(local)).slice(before + 3)).toEqual([
      'ZooidRelayService UPDATE_IN_PROGRESS',
      'ZooidRelayService UPDATE_FAILED no capacity',
      'sphere-zooid-relay UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [ZooidRelayService].',
      'ZooidRelayService UPDATE_IN_PROGRESS',
      'ZooidRelayService UPDATE_COMPLETE',
      'sphere-zooid-relay UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'ZooidRelayTaskDefinition DELETE_IN_PROGRESS',
      'ZooidRelayTaskDefinition DELETE_COMPLETE',
      'sphere-zooid-relay UPDATE_ROLLBACK_COMPLETE',
    ]);
    const back = provider.calls.findLast(({ verb }) => verb === 'update');
    expect(back?.resource.properties).toMatchObject({ DesiredCount: 1, TaskDefinition: expect.stringMatching(/:1$/) });
    expect((await stackOf(local)).Parameters).toContainEqual({
      ParameterKey: 'RelayDesiredCount',
      ParameterValue: '1',
    });
    expect(await local.call('GetTemplate', { StackName: stackName })).toMatchObject({ TemplateBody: templateText });
  });

  it('sets back the last change first', async () => {
    const { local, provider } = await deployedStack();
    const text = templateText.replace('        - FARGATE\n', '        - FARGATE\n        - FARGATE_SPOT\n');
    await changeSet(local, 'two', { RelayDesiredCount: '0' }, text);
    provider.before = async ({ resource }) => {
      if (resource.properties.DesiredCount === 0) throw new Error('no capacity');
    };
    await executed(local, 'two');
    expect(provider.calls.map(({ verb, resource }) => `${verb} ${resource.logicalId}`)).toEqual([
      'update ECSCluster',
      'update ZooidRelayService',
      'update ZooidRelayService',
      'update ECSCluster',
    ]);
    expect(provider.calls.at(-1)?.resource.properties.CapacityProviders).toEqual(['FARGATE']);
  });

  it('stays failed when the way back fails too, and takes no further update', async () => {
    const { local, provider } = await deployedStack();
    await changeSet(local, 'count', { RelayDesiredCount: '0' });
    provider.before = async () => {
      throw new Error('gone');
    };
    await executed(local, 'count');
    expect(await stackOf(local)).toMatchObject({
      StackStatus: 'UPDATE_ROLLBACK_FAILED',
      StackStatusReason: 'The following resource(s) failed to update: [ZooidRelayService]. ',
    });
    const input = {
      StackName: stackName,
      ChangeSetName: 'next',
      UsePreviousTemplate: true,
      Parameters: keptWith({ RelayDesiredCount: '0' }),
      Capabilities: ['CAPABILITY_IAM'],
    };
    await expect(local.call('CreateChangeSet', input)).rejects.toThrow(
      /is in UPDATE_ROLLBACK_FAILED state and can not be updated\.$/,
    );
  });

  it('can be cancelled while it runs, also when the provider waits for ever, and then not again', async () => {
    const { local, provider } = await deployedStack();
    await changeSet(local, 'count', { RelayDesiredCount: '0' });
    let reached = () => {};
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    provider.before = async ({ resource }) => {
      if (resource.properties.DesiredCount !== 0) return;
      reached();
      await new Promise(() => {});
    };
    await local.call('ExecuteChangeSet', { StackName: stackName, ChangeSetName: 'count' });
    await waiting;
    await local.call('CancelUpdateStack', { StackName: stackName });
    await local.settled(stackName);
    expect(await stackOf(local)).toMatchObject({ StackStatus: 'UPDATE_ROLLBACK_COMPLETE' });
    expect(await eventsOf(local)).toContain('ZooidRelayService UPDATE_FAILED Resource update cancelled');
    await expect(local.call('CancelUpdateStack', { StackName: stackName })).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining('UPDATE_ROLLBACK_COMPLETE'),
    });
  });

  it('keeps a role that a change set brought', async () => {
    const { local } = await deployedStack();
    await local.call('CreateChangeSet', {
      StackName: stackName,
      ChangeSetName: 'role',
      UsePreviousTemplate: true,
      Parameters: keptWith({ RelayDesiredCount: '0' }),
      Capabilities: ['CAPABILITY_IAM'],
      RoleARN: 'arn:aws:iam::111122223333:role/deploy',
    });
    await until(
      () => local.call('DescribeChangeSet', { StackName: stackName, ChangeSetName: 'role' }),
      ({ Status }) => Status === 'CREATE_COMPLETE',
    );
    await executed(local, 'role');
    expect((await stackOf(local)).RoleARN).toBe('arn:aws:iam::111122223333:role/deploy');
  });
});
