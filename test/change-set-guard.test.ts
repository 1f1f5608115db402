import type { Change, ResourceChange, ResourceChangeDetail } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { allowedChanges, guardChanges, statefulTypes } from '../lambdas/change-set-guard.ts';

function modify(logicalId: string, type: string, rest: Partial<ResourceChange>): Change {
  return {
    Type: 'Resource',
    ResourceChange: {
      Action: 'Modify',
      LogicalResourceId: logicalId,
      ResourceType: type,
      Replacement: 'False',
      Scope: ['Properties'],
      Details: [],
      ...rest,
    },
  };
}

function detail(name: string, rest: Partial<ResourceChangeDetail> = {}): ResourceChangeDetail {
  return {
    Target: { Attribute: 'Properties', Name: name, RequiresRecreation: 'Never' },
    Evaluation: 'Static',
    ChangeSource: 'DirectModification',
    ...rest,
  };
}

/** As CloudFormation shows a changed parameter: once by its name, once without a cause. */
const byParameter = (name: string, parameter: string) => [
  detail(name, { ChangeSource: 'ParameterReference', CausingEntity: parameter }),
  detail(name, { Evaluation: 'Dynamic' }),
];

const service = (...details: ResourceChangeDetail[]) =>
  modify('ZooidRelayService', 'AWS::ECS::Service', { Details: details });
const taskDefinition = (...details: ResourceChangeDetail[]) =>
  modify('ZooidRelayTaskDefinition', 'AWS::ECS::TaskDefinition', { Replacement: 'True', Details: details });
const alarm = (rest: Partial<ResourceChangeDetail> = {}, change: Partial<ResourceChange> = {}) =>
  modify('HighCPUAlarm', 'AWS::CloudWatch::Alarm', {
    Details: [
      detail('Dimensions', {
        Evaluation: 'Dynamic',
        ChangeSource: 'ResourceAttribute',
        CausingEntity: 'ZooidRelayService.Name',
        ...rest,
      }),
    ],
    ...change,
  });

const wholeSwitch = [
  taskDefinition(...byParameter('ContainerDefinitions', 'ContainerImage'), detail('Volumes')),
  service(
    detail('TaskDefinition', { ChangeSource: 'ResourceReference', CausingEntity: 'ZooidRelayTaskDefinition' }),
    ...byParameter('DesiredCount', 'RelayDesiredCount'),
  ),
  alarm(),
];

describe('the guard of change sets', () => {
  it('lets the switch and the restore through, with the echo in the alarms', () => {
    expect(guardChanges(wholeSwitch, allowedChanges('switch'))).toEqual([]);
    expect(guardChanges(wholeSwitch, allowedChanges('restore'))).toEqual([]);
  });

  it.each(['hold-at-zero', 'settle', 'settle-restored'] as const)('lets only the count through for %s', (purpose) => {
    const allowed = allowedChanges(purpose);
    expect(guardChanges([service(...byParameter('DesiredCount', 'RelayDesiredCount')), alarm()], allowed)).toEqual([]);
    expect(guardChanges(wholeSwitch, allowed)).toEqual([
      'ZooidRelayTaskDefinition (AWS::ECS::TaskDefinition): Modify of a resource that is not on the list',
      'ZooidRelayService (AWS::ECS::Service): changes TaskDefinition, where the list allows DesiredCount',
    ]);
  });

  it('takes a Dynamic change of the task definition by the listed cause, and by no other', () => {
    const dynamic = (cause: string) =>
      service(
        detail('TaskDefinition', { Evaluation: 'Dynamic', ChangeSource: 'ResourceReference', CausingEntity: cause }),
      );
    expect(guardChanges([dynamic('ZooidRelayTaskDefinition')], allowedChanges('switch'))).toEqual([]);
    expect(guardChanges([dynamic('MigrationTaskDefinition')], allowedChanges('switch'))).toEqual([
      'ZooidRelayService (AWS::ECS::Service): TaskDefinition may change because of MigrationTaskDefinition, which is not on the list',
    ]);
  });

  it.each([
    ['by a Static detail', alarm({ Evaluation: 'Static' })],
    ['by a cause off the list', alarm({ CausingEntity: 'ECSCluster' })],
    ['by a change of its own', alarm({ ChangeSource: 'DirectModification' })],
    ['with a replacement', alarm({}, { Replacement: 'Conditional' })],
    ['without details', alarm({}, { Details: [] })],
  ])('refuses another resource that changes %s', (_, change) => {
    expect(guardChanges([change], allowedChanges('switch'))).toEqual([
      'HighCPUAlarm (AWS::CloudWatch::Alarm): Modify of a resource that is not on the list',
    ]);
  });

  it('refuses a new service in the place of the old one', () => {
    const replaced = modify('ZooidRelayService', 'AWS::ECS::Service', {
      Replacement: 'Conditional',
      Details: [detail('TaskDefinition')],
    });
    expect(guardChanges([replaced], allowedChanges('switch'))).toEqual([
      'ZooidRelayService (AWS::ECS::Service): replacement Conditional, where the list allows a change in place only',
    ]);
  });

  it.each([...statefulTypes])('refuses to remove or replace %s, even where the list allows it', (type) => {
    const allowed = [
      { logicalId: 'Store', action: 'Remove' as const, properties: [] },
      { logicalId: 'Store', action: 'Modify' as const, properties: ['Encrypted'], mayReplace: true as const },
    ];
    const remove = modify('Store', type, { Action: 'Remove', Replacement: undefined });
    const replace = (Replacement: 'True' | 'Conditional') =>
      modify('Store', type, { Replacement, Details: [detail('Encrypted')] });
    expect(guardChanges([remove, replace('True'), replace('Conditional')], allowed)).toEqual([
      `Store (${type}): Remove of a resource that holds data`,
      `Store (${type}): replacement True of a resource that holds data`,
      `Store (${type}): replacement Conditional of a resource that holds data`,
    ]);
  });

  it('refuses the echo in a resource that holds data', () => {
    const echo = modify('RDSInstance', 'AWS::RDS::DBInstance', {
      Details: [
        detail('VPCSecurityGroups', {
          Evaluation: 'Dynamic',
          ChangeSource: 'ResourceAttribute',
          CausingEntity: 'ZooidRelayService.Name',
        }),
      ],
    });
    expect(guardChanges([echo], allowedChanges('switch'))).toEqual([
      'RDSInstance (AWS::RDS::DBInstance): Modify of a resource that is not on the list',
    ]);
  });

  it('refuses another generated password, even where the list allows it', () => {
    const change = modify('RDSPassword', 'AWS::SecretsManager::Secret', { Details: [detail('GenerateSecretString')] });
    const allowed = [{ logicalId: 'RDSPassword', action: 'Modify' as const, properties: ['GenerateSecretString'] }];
    expect(guardChanges([change], allowed)).toEqual([
      'RDSPassword (AWS::SecretsManager::Secret): changes GenerateSecretString, which would generate another password',
    ]);
  });

  it('refuses additions, removals, other attributes, and changes of which nothing is said', () => {
    const add = modify('Backdoor', 'AWS::EC2::SecurityGroup', { Action: 'Add', Replacement: undefined });
    const remove = modify('ZooidRelayService', 'AWS::ECS::Service', { Action: 'Remove', Replacement: undefined });
    const metadata = service(detail('x', { Target: { Attribute: 'UpdatePolicy', RequiresRecreation: 'Never' } }));
    const untold = service();
    expect(guardChanges([add, remove, metadata, untold, { Type: undefined }], allowedChanges('switch'))).toEqual([
      'Backdoor (AWS::EC2::SecurityGroup): Add of a resource that is not on the list',
      'ZooidRelayService (AWS::ECS::Service): Remove, where the list allows Modify',
      'ZooidRelayService (AWS::ECS::Service): changes UpdatePolicy, where the list allows TaskDefinition, DesiredCount',
      'ZooidRelayService (AWS::ECS::Service): Modify without a word about what changes',
      'a change of type (none); expected changes of resources only',
    ]);
  });
});

describe('an echo of an echo', () => {
  const byAttribute = (name: string, cause: string, rest: Partial<ResourceChangeDetail> = {}) =>
    detail(name, { Evaluation: 'Dynamic', ChangeSource: 'ResourceAttribute', CausingEntity: cause, ...rest });
  const fileSystem = (rest: Partial<ResourceChange> = {}) =>
    modify('EFSFileSystem', 'AWS::EFS::FileSystem', {
      Details: [{ Target: { Attribute: 'DeletionPolicy' }, Evaluation: 'Static', ChangeSource: 'DirectModification' }],
      ...rest,
    });
  const role = modify('ECSTaskRole', 'AWS::IAM::Role', { Details: [byAttribute('Policies', 'EFSFileSystem.Arn')] });
  const task = modify('ZooidRelayTaskDefinition', 'AWS::ECS::TaskDefinition', {
    Replacement: 'Conditional',
    Details: [byAttribute('TaskRoleArn', 'ECSTaskRole.Arn')],
  });
  const announcedService = service(
    detail('TaskDefinition', {
      Evaluation: 'Dynamic',
      ChangeSource: 'ResourceReference',
      CausingEntity: 'ZooidRelayTaskDefinition',
    }),
  );
  const chain = [fileSystem(), role, task, announcedService];
  const findings = (changes: Change[]) => guardChanges(changes, allowedChanges('prepare'));

  it('passes, whatever their order, when what began it changes in place and is on the list', () => {
    expect(findings(chain)).toEqual([]);
    expect(findings([...chain].reverse())).toEqual([]);
  });

  it('does not pass for a change of its own, or one that is certain', () => {
    const own = modify('ECSTaskRole', 'AWS::IAM::Role', {
      Details: [byAttribute('Policies', 'EFSFileSystem.Arn'), detail('Policies')],
    });
    expect(findings([fileSystem(), own])).toEqual([
      'ECSTaskRole (AWS::IAM::Role): Modify of a resource that is not on the list',
    ]);
    const certain = modify('ECSTaskRole', 'AWS::IAM::Role', {
      Details: [byAttribute('Policies', 'EFSFileSystem.Arn', { Evaluation: 'Static' })],
    });
    expect(findings([fileSystem(), certain])).toHaveLength(1);
  });

  it('does not pass when what began it is not on the list, or is replaced', () => {
    const other = modify('VPC', 'AWS::EC2::VPC', { Details: [detail('Tags')] });
    const ofOther = modify('Subnet', 'AWS::EC2::Subnet', {
      Replacement: 'Conditional',
      Details: [byAttribute('VpcId', 'VPC.VpcId')],
    });
    expect(findings([other, ofOther])).toHaveLength(2);
    const replaced = modify('MigrationTaskDefinition', 'AWS::ECS::TaskDefinition', {
      Replacement: 'True',
      Details: [detail('ContainerDefinitions')],
    });
    const follower = modify('Follower', 'AWS::ECS::Service', {
      Replacement: 'Conditional',
      Details: [byAttribute('TaskDefinition', 'MigrationTaskDefinition.Arn')],
    });
    expect(findings([replaced, follower])).toEqual([
      'Follower (AWS::ECS::Service): Modify of a resource that is not on the list',
    ]);
  });

  it('does not pass for what holds data', () => {
    const mount = modify('EFSMountTarget1', 'AWS::EFS::MountTarget', {
      Replacement: 'Conditional',
      Details: [byAttribute('FileSystemId', 'EFSFileSystem.FileSystemId')],
    });
    expect(findings([fileSystem(), mount])).toEqual([
      'EFSMountTarget1 (AWS::EFS::MountTarget): replacement Conditional of a resource that holds data',
      'EFSMountTarget1 (AWS::EFS::MountTarget): Modify of a resource that is not on the list',
    ]);
  });
});

describe('the change set of finalize', () => {
  const remove = (logicalId: string, type: string, rest: Partial<ResourceChange> = {}): Change => ({
    Type: 'Resource',
    ResourceChange: {
      ...{ Action: 'Remove', LogicalResourceId: logicalId, ResourceType: type, PolicyAction: 'Delete' },
      ...{ Scope: [], Details: [], ...rest },
    },
  });
  const fileSystem = (PolicyAction?: ResourceChange['PolicyAction']) =>
    remove('EFSFileSystem', 'AWS::EFS::FileSystem', { PolicyAction });
  const role = modify('ECSTaskRole', 'AWS::IAM::Role', { Details: [detail('Policies')] });
  const whole = [
    fileSystem('Retain'),
    remove('EFSMountTarget1', 'AWS::EFS::MountTarget'),
    remove('EFSMountTarget2', 'AWS::EFS::MountTarget'),
    remove('EFSAccessPoint', 'AWS::EFS::AccessPoint'),
    remove('EFSSecurityGroup', 'AWS::EC2::SecurityGroup'),
    remove('MigrationTaskDefinition', 'AWS::ECS::TaskDefinition'),
    remove('RollbackTaskDefinition', 'AWS::ECS::TaskDefinition'),
    role,
    // What asks the role for its ARN, and what asks that.
    modify('ZooidRelayTaskDefinition', 'AWS::ECS::TaskDefinition', {
      Replacement: 'Conditional',
      Details: [
        detail('TaskRoleArn', {
          Evaluation: 'Dynamic',
          ChangeSource: 'ResourceAttribute',
          CausingEntity: 'ECSTaskRole.Arn',
        }),
      ],
    }),
  ];
  const findings = (changes: Change[]) => guardChanges(changes, allowedChanges('remove-efs'));

  it('may let go of the file system and of what belongs to it, and change the policies of the role', () => {
    expect(findings(whole)).toEqual([]);
    expect(findings([fileSystem(undefined)])).toEqual([]);
  });

  it.each(['Delete', 'Snapshot'] as const)('may not remove the file system with the policy %s', (policy) => {
    expect(findings([fileSystem(policy)])).toEqual([
      `EFSFileSystem (AWS::EFS::FileSystem): Remove with the policy ${policy}, which deletes its data; expected Retain`,
    ]);
  });

  it('may remove nothing else that holds data, and no file system of another name', () => {
    const others = [
      remove('RDSInstance', 'AWS::RDS::DBInstance'),
      remove('RelayDatabaseUrl', 'AWS::SecretsManager::Secret'),
      remove('CloudWatchLogGroup', 'AWS::Logs::LogGroup'),
      remove('Another', 'AWS::EFS::FileSystem', { PolicyAction: 'Retain' }),
    ];
    for (const other of others) {
      expect(findings([other]), other.ResourceChange?.LogicalResourceId).toEqual(
        ['Remove of a resource that holds data', 'Remove of a resource that is not on the list'].map(
          (finding) => `${other.ResourceChange?.LogicalResourceId} (${other.ResourceChange?.ResourceType}): ${finding}`,
        ),
      );
    }
    // A database that bears the file system's name is a database all the same.
    expect(findings([remove('EFSFileSystem', 'AWS::RDS::DBInstance', { PolicyAction: 'Retain' })])).toEqual([
      'EFSFileSystem (AWS::RDS::DBInstance): Remove of a resource that holds data',
    ]);
  });

  it('may not touch the relay, replace the role or change its trust', () => {
    expect(findings([service(detail('DesiredCount'))])).toHaveLength(1);
    expect(findings([taskDefinition(detail('ContainerDefinitions'))])).toHaveLength(1);
    expect(
      findings([modify('ECSTaskRole', 'AWS::IAM::Role', { Details: [detail('AssumeRolePolicyDocument')] })]),
    ).toEqual(['ECSTaskRole (AWS::IAM::Role): changes AssumeRolePolicyDocument, where the list allows Policies']);
    expect(
      findings([
        modify('EFSMountTarget1', 'AWS::EFS::MountTarget', { Replacement: 'True', Details: [detail('SubnetId')] }),
      ]),
    ).toContain('EFSMountTarget1 (AWS::EFS::MountTarget): replacement True of a resource that holds data');
  });

  it('is the only one that may', () => {
    for (const purpose of ['prepare', 'switch', 'restore', 'settle', 'hold-at-zero'] as const) {
      const found = guardChanges(whole, allowedChanges(purpose));
      expect(
        found.filter((one) => one.endsWith('Remove of a resource that holds data')),
        purpose,
      ).toHaveLength(4);
    }
  });
});
