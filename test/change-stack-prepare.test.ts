import { beforeEach, describe, expect, it } from 'vitest';
import type { UpdateResult } from '../lambdas/change-stack/await-update.ts';
import type { ChangeStackEvent, ProtectStackEvent } from '../lambdas/change-stack/event.ts';
import type { Inspection } from '../lambdas/change-stack/inspect.ts';
import type { Proposal } from '../lambdas/change-stack/propose.ts';
import { createHandler } from '../lambdas/change-stack.ts';
import { cloudFormationClient } from '../rehearsal/cloudformation/client.ts';
import type { LocalCloudFormation } from '../rehearsal/cloudformation/local-cloudformation.ts';
import { NotYet } from '../statemachine/errors.ts';
import { parseSettings } from '../statemachine/settings.ts';
import { deployedStack, password, stackName } from './support/local-stack.ts';
import { bundledTemplate, preparedTemplate } from './support/prepared-template.ts';

const settings = parseSettings();
const owner = 'arn:aws:states:me-central-1:111122223333:execution:sphere-zooid-relay-prepare:run-1';
const migratorImage = `ghcr.io/unicitynetwork/unicity-relay-migrate@sha256:${'e'.repeat(64)}`;
const EVENT: ChangeStackEvent = {
  action: 'propose',
  execution: 'run-1',
  owner,
  deadline: null,
  purpose: 'prepare',
  stackName,
  desiredCount: 1,
  attempt: '0-0',
  prepare: { settings, migratorImage },
};
const PROTECT: ProtectStackEvent = { action: 'protect', owner, stackName, names: settings.names };

let local: LocalCloudFormation;
let kept: Map<string, string>;
let handler: ReturnType<typeof createHandler>;

async function stackFrom(text: string): Promise<void> {
  ({ local } = await deployedStack(text));
  kept = new Map();
  const item = { stackName, version: 1, owner, since: '', takenFrom: null, released: false, held: null, plan: null };
  handler = createHandler({
    cloudFormation: cloudFormationClient(local),
    artefacts: { get: async (key) => kept.get(key), put: async (key, text_) => void kept.set(key, text_) },
    lock: { read: async () => item },
    askRegistry: async () => ({ status: 'unknown', reason: 'nobody was asked' }),
    now: () => new Date(),
  });
}

beforeEach(() => stackFrom(bundledTemplate));

async function poll<Result>(event: ChangeStackEvent): Promise<Result> {
  for (;;) {
    try {
      return (await handler(event)) as Result;
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

async function prepared(event = EVENT) {
  const proposal = await poll<Proposal>(event);
  const step = { ...event, changeSet: proposal.changeSet };
  const inspection = await poll<Inspection>({ ...step, action: 'inspect' });
  await poll({ ...step, action: 'execute', outcome: inspection.outcome });
  const result = await poll<UpdateResult>({ ...step, action: 'await', outcome: inspection.outcome });
  return { proposal, inspection, result };
}

const stack = async () =>
  (
    (await local.call('DescribeStacks', { StackName: stackName })) as {
      Stacks: [{ Parameters: { ParameterKey: string; ParameterValue: string }[] }];
    }
  ).Stacks[0];
const template = async () =>
  ((await local.call('GetTemplate', { StackName: stackName })) as { TemplateBody: string }).TemplateBody;

describe('the change set of prepare', () => {
  it('brings the database, its secrets and the tasks, with the pinned migrator, and keeps what was there', async () => {
    const { proposal, inspection, result } = await prepared();
    expect(result).toMatchObject({ status: 'complete', stackStatus: 'UPDATE_COMPLETE' });
    expect(await template()).toBe(preparedTemplate);
    expect(proposal.original).toBe(`${stackName}/run-1/original-template.yaml`);
    expect(kept.get(proposal.original)).toBe(bundledTemplate);
    const values = new Map(
      (await stack()).Parameters.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue]),
    );
    expect(values.get('MigratorImage')).toBe(migratorImage);
    expect(values.get('RelayDesiredCount')).toBe('1');
    const added = inspection.changes.filter(({ action }) => action === 'Add').map(({ logicalId }) => logicalId);
    expect(added.sort()).toEqual([
      ...['MigrationTaskDefinition', 'RDSInstance', 'RDSPassword', 'RDSSecurityGroup', 'RDSSubnetGroup'],
      ...['RelayDatabaseUrl', 'RelayDatabaseUrlAccess', 'RollbackTaskDefinition'],
    ]);
    expect(JSON.stringify([proposal, inspection, result])).not.toContain(password);
  });

  it('does not touch the relay: what CloudFormation announces of it comes to nothing', async () => {
    const before = local.stackResources(stackName);
    const { inspection } = await prepared();
    const announced = inspection.changes.filter(({ action }) => action === 'Modify').map(({ logicalId }) => logicalId);
    expect(announced.sort()).toEqual([
      ...['ALBTargetGroup', 'ECSTaskRole', 'EFSFileSystem', 'HighCPUAlarm', 'HighMemoryAlarm'],
      ...['ZooidRelayService', 'ZooidRelayTaskDefinition'],
    ]);
    const after = local.stackResources(stackName);
    for (const [logicalId, physicalId] of Object.entries(before)) expect(after[logicalId], logicalId).toBe(physicalId);
  });

  it('is empty when it was made already, but for another image of the migrator', async () => {
    await prepared();
    expect((await prepared({ ...EVENT, execution: 'run-2' })).inspection.outcome).toBe('empty');
    const other = { settings, migratorImage: 'ghcr.io/unicitynetwork/unicity-relay-migrate:newer' };
    const { inspection, result } = await prepared({ ...EVENT, execution: 'run-3', prepare: other });
    expect(result.status).toBe('complete');
    expect(inspection.changes.map(({ logicalId }) => logicalId)).toEqual([
      'MigrationTaskDefinition',
      'RollbackTaskDefinition',
    ]);
  });

  it('is not made where an edit does not find its place, and the stack stays as it is', async () => {
    const names = { ...settings.names, targetGroup: 'OtherGroup' };
    await expect(
      handler({ ...EVENT, prepare: { settings: { ...settings, names }, migratorImage } }),
    ).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('there is no mapping Resources.OtherGroup.Properties'),
    });
    expect(await template()).toBe(bundledTemplate);
  });

  it('is refused without its settings', async () => {
    const { prepare: _, ...event } = EVENT;
    await expect(handler(event)).rejects.toMatchObject({
      name: 'Refused',
      message: 'The purpose "prepare" came without settings. Expected prepare.settings. Correct the state machine.',
    });
  });
});

describe('the stack policy', () => {
  const policy = async () => {
    const { StackPolicyBody } = (await local.call('GetStackPolicy', { StackName: stackName })) as {
      StackPolicyBody?: string;
    };
    return StackPolicyBody === undefined ? undefined : JSON.parse(StackPolicyBody);
  };
  const denial = {
    Effect: 'Deny',
    Action: ['Update:Delete', 'Update:Replace'],
    Principal: '*',
    Resource: ['LogicalResourceId/RDSInstance', 'LogicalResourceId/RDSPassword', 'LogicalResourceId/RelayDatabaseUrl'],
  };
  const everything = { Effect: 'Allow', Action: 'Update:*', Principal: '*', Resource: '*' };

  it('denies to delete or replace the database and its secrets, and allows all else', async () => {
    expect(await handler(PROTECT)).toEqual({ protected: ['RDSInstance', 'RDSPassword', 'RelayDatabaseUrl'] });
    expect(await policy()).toEqual({ Statement: [everything, denial] });
    await handler(PROTECT);
    expect(await policy()).toEqual({ Statement: [everything, denial] });
  });

  it('keeps what the owner of the stack has said', async () => {
    const own = {
      Effect: 'Allow',
      Action: 'Update:Modify',
      Principal: '*',
      Resource: 'LogicalResourceId/ZooidRelayService',
    };
    const StackPolicyBody = JSON.stringify({ Statement: own });
    await local.call('SetStackPolicy', { StackName: stackName, StackPolicyBody });
    await handler(PROTECT);
    expect(await policy()).toEqual({ Statement: [own, denial] });
  });

  it('is not touched when it cannot be read', async () => {
    await local.call('SetStackPolicy', { StackName: stackName, StackPolicyBody: 'no JSON' });
    await expect(handler(PROTECT)).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(/^The policy of the stack/),
    });
  });

  it('is set by the owner of the lock only', async () => {
    await expect(handler({ ...PROTECT, owner: 'arn:somebody-else' })).rejects.toMatchObject({ name: 'LockHeld' });
    expect(await policy()).toBeUndefined();
  });
});
