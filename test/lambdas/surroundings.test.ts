import { describe, expect, it } from 'vitest';
import { networkAndStorageIn } from '../../lambdas/preflight/network-and-storage.ts';
import { surroundingsIn } from '../../lambdas/preflight/surroundings.ts';

const never = { send: () => Promise.reject(new Error('not asked')) };

function driftOf(answers: Record<string, object | Error>) {
  const send = async ({ input }: { input: { LogicalResourceId: string } }) => {
    const answer = answers[input.LogicalResourceId];
    if (answer instanceof Error) throw answer;
    return { StackResourceDrift: answer };
  };
  const world = networkAndStorageIn({
    cloudFormation: { send } as never,
    ec2: never as never,
    efs: never as never,
    autoScaling: never as never,
  });
  return world.drifted('stack', Object.keys(answers));
}

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('what has drifted', () => {
  it('is told with the paths of its properties', async () => {
    const drifts = await driftOf({
      Service: {
        StackResourceDriftStatus: 'MODIFIED',
        PropertyDifferences: [{ PropertyPath: '/DesiredCount' }],
      },
      Role: { StackResourceDriftStatus: 'DELETED' },
      TaskDefinition: { StackResourceDriftStatus: 'IN_SYNC' },
    });
    expect(drifts).toEqual([
      { logicalId: 'Service', properties: ['/DesiredCount'] },
      { logicalId: 'Role', properties: ['(the whole resource)'] },
    ]);
  });

  it('leaves out a type that CloudFormation cannot compare', async () => {
    const refusal = named('ValidationError', 'Drift detection is not supported for resource type [AWS::ECS::Service]');
    expect(await driftOf({ Service: refusal })).toEqual([]);
  });

  it('is not passed over in silence for any other reason', async () => {
    await expect(driftOf({ Service: named('ValidationError', 'Stack [stack] does not exist') })).rejects.toThrow(
      'Stack [stack] does not exist',
    );
    await expect(driftOf({ Service: named('Throttling', 'Rate exceeded') })).rejects.toThrow('Rate exceeded');
  });
});

describe('the network and the storage', () => {
  /** Answers by the name of the command; what was asked stands in `asked`. */
  function world(answers: Record<string, object>) {
    const asked: object[] = [];
    const client = {
      send: async (command: { constructor: { name: string }; input: object }) => {
        asked.push(command.input);
        return answers[command.constructor.name.replace(/Command$/, '')] ?? {};
      },
    } as never;
    return {
      asked,
      ...networkAndStorageIn({ cloudFormation: client, ec2: client, efs: client, autoScaling: client }),
    };
  }

  it('has subnets with a zone and free addresses', async () => {
    const { subnets, asked } = world({
      DescribeSubnets: { Subnets: [{ SubnetId: 'subnet-1', AvailabilityZone: 'a', AvailableIpAddressCount: 12 }] },
    });
    expect(await subnets(['subnet-1'])).toEqual([{ id: 'subnet-1', zone: 'a', freeAddresses: 12 }]);
    expect(asked).toEqual([{ SubnetIds: ['subnet-1'] }]);
  });

  it.each([
    [[{ IpProtocol: '-1' }], []],
    [[{ IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535 }], []],
    [[{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }], [2_049, 5_432]],
    [[{ IpProtocol: 'udp', FromPort: 0, ToPort: 65_535 }], [443, 2_049, 5_432]],
    [[], [443, 2_049, 5_432]],
  ])('has closed ports where the egress rules are %j: %j', async (rules, closed) => {
    const { closedPorts } = world({ DescribeSecurityGroups: { SecurityGroups: [{ IpPermissionsEgress: rules }] } });
    expect(await closedPorts('sg-1', [443, 2_049, 5_432])).toEqual(closed);
  });

  it('has a file system of a size, and scaling targets of the very service', async () => {
    const { fileSystemBytes, scalableTargets, asked } = world({
      DescribeFileSystems: { FileSystems: [{ SizeInBytes: { Value: 4_096 } }] },
      DescribeScalableTargets: { ScalableTargets: [{}, {}] },
    });
    expect(await fileSystemBytes('fs-1')).toBe(4_096);
    expect(await scalableTargets('cluster', 'relay')).toBe(2);
    expect(asked).toEqual([
      { FileSystemId: 'fs-1' },
      { ServiceNamespace: 'ecs', ResourceIds: ['service/cluster/relay'] },
    ]);
  });
});

describe('the surroundings', () => {
  const surroundings = (send: (command: { input: object }) => Promise<object>) =>
    surroundingsIn({
      rds: { send } as never,
      loadBalancing: { send } as never,
      askRegistry: async () => ({ status: 'unknown', reason: 'nobody asks' }),
    });

  it('have a database with its address, or without one while it is made', async () => {
    const instance = {
      DBInstanceStatus: 'available',
      Endpoint: { Address: 'db.example', Port: 5_433 },
      DBName: 'zooid',
      Engine: 'postgres',
      EngineVersion: '16.4',
      PubliclyAccessible: false,
      IAMDatabaseAuthenticationEnabled: true,
    };
    const found = { engine: 'postgres', engineVersion: '16.4', publiclyAccessible: false, iamAuthentication: true };
    expect(await surroundings(async () => ({ DBInstances: [instance] })).database('db')).toEqual({
      ...found,
      status: 'available',
      address: { host: 'db.example', port: 5_433, database: 'zooid' },
    });
    const { Endpoint: _, ...unborn } = { ...instance, DBInstanceStatus: 'creating' };
    expect(await surroundings(async () => ({ DBInstances: [unborn] })).database('db')).toEqual({
      ...found,
      status: 'creating',
      address: null,
    });
  });

  it('have no database where RDS says so, and fail where it says anything else', async () => {
    const failing = (name: string) => surroundings(async () => Promise.reject(named(name, 'as RDS says')));
    expect(await failing('DBInstanceNotFoundFault').database('db')).toBeUndefined();
    await expect(failing('AccessDenied').database('db')).rejects.toThrow('as RDS says');
  });

  it('have the delay of the target group, or that of ELB where it says nothing', async () => {
    const attribute = { Key: 'deregistration_delay.timeout_seconds', Value: '10' };
    expect(await surroundings(async () => ({ Attributes: [attribute] })).deregistrationDelaySeconds('tg')).toBe(10);
    expect(await surroundings(async () => ({ Attributes: [] })).deregistrationDelaySeconds('tg')).toBe(300);
  });
});
