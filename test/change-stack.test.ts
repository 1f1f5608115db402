import { setTimeout as pause } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3Artefacts } from '../lambdas/change-stack/artefacts.ts';
import type { ChangeStackEvent, RestStackEvent } from '../lambdas/change-stack/event.ts';
import type { Inspection } from '../lambdas/change-stack/inspect.ts';
import type { Proposal } from '../lambdas/change-stack/propose.ts';
import { createHandler } from '../lambdas/change-stack.ts';
import type { LockItem } from '../lambdas/execution-lock/lock-store.ts';
import type { ImageAnswer } from '../lambdas/preflight/image-registry.ts';
import { switchTemplate } from '../lambdas/template-edits/back.ts';
import { removeRecord } from '../lambdas/template-edits/record.ts';
import { cloudFormationClient } from '../rehearsal/cloudformation/client.ts';
import type { LocalCloudFormation } from '../rehearsal/cloudformation/local-cloudformation.ts';
import type { ChangePurpose } from '../statemachine/change-set-states.ts';
import { NotYet } from '../statemachine/errors.ts';
import { parseSettings } from '../statemachine/settings.ts';
import {
  deployedStack,
  password,
  type RecordingProvider,
  secretKey,
  stackName,
  templateText,
} from './support/local-stack.ts';

const newImage = 'ghcr.io/unicitynetwork/unicity-relay:pg-migration';
const oldImage = 'ghcr.io/unicitynetwork/unicity-relay:sha-44d3ff3';
const switched = switchTemplate(templateText, parseSettings().names, newImage).text;
const originalKey = `${stackName}/run-1/original-template.yaml`;
const owner = 'arn:aws:states:me-central-1:111122223333:execution:sphere-zooid-relay-cutover:run-1';
const REST: RestStackEvent = { action: 'rest', owner, stackName };
const parametersKey = `${stackName}/run-1/original-parameters.json`;

let local: LocalCloudFormation;
let provider: RecordingProvider;
let kept: Map<string, string>;
/** What stands in the lock of any stack. */
let locked: LockItem | undefined;
let now: Date;
let registry: ImageAnswer;
const askRegistry = async (): Promise<ImageAnswer> => registry;
/** How many change sets the handler has asked for. */
let proposed: number;
/** Every answer and every message, to be searched for secrets. */
let said: string[];
let handler: (event: ChangeStackEvent | RestStackEvent) => Promise<unknown>;

beforeEach(async () => {
  ({ local, provider } = await deployedStack());
  kept = new Map();
  said = [];
  registry = { status: 'unknown', reason: 'nobody was asked' };
  now = new Date('2026-01-01T12:00:00.000Z');
  locked = {
    stackName,
    version: 1,
    owner,
    since: '2026-01-01T11:00:00.000Z',
    takenFrom: null,
    released: false,
    held: null,
    plan: null,
  };
  const artefacts = {
    get: async (key: string) => kept.get(key),
    put: async (key: string, text: string) => void kept.set(key, text),
  };
  proposed = 0;
  const call: LocalCloudFormation['call'] = (action, input) => {
    if (action === 'CreateChangeSet') proposed += 1;
    return local.call(action, input);
  };
  const cloudFormation = cloudFormationClient({ ...local, call });
  const real = createHandler({ cloudFormation, artefacts, lock, askRegistry, now: () => now });
  handler = async (event) => {
    try {
      const result = await real(event);
      said.push(JSON.stringify(result));
      return result;
    } catch (error) {
      said.push(String(error));
      throw error;
    }
  };
});

const lock = { read: async (): Promise<LockItem | undefined> => locked };

function event(purpose: ChangePurpose, desiredCount: number, rest: Partial<ChangeStackEvent> = {}): ChangeStackEvent {
  return {
    action: 'propose',
    execution: 'run-1',
    owner,
    deadline: null,
    purpose,
    stackName,
    newImage,
    desiredCount,
    attempt: '0-0',
    ...rest,
  };
}

/** As the state machine does it: the same call again while it says NotYet. */
async function poll(asked: ChangeStackEvent): Promise<unknown> {
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      return await handler(asked);
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  throw new Error('Still NotYet after 500 calls');
}

async function inspected(base: ChangeStackEvent): Promise<{ proposal: Proposal; inspection: Inspection }> {
  const proposal = (await poll(base)) as Proposal;
  const inspection = (await poll({ ...base, action: 'inspect', changeSet: proposal.changeSet })) as Inspection;
  return { proposal, inspection };
}

async function whole(purpose: ChangePurpose, desiredCount: number, rest: Partial<ChangeStackEvent> = {}) {
  const base = event(purpose, desiredCount, rest);
  const { proposal, inspection } = await inspected(base);
  const onward = { ...base, changeSet: proposal.changeSet, outcome: inspection.outcome };
  await poll({ ...onward, action: 'execute' });
  const result = await poll({ ...onward, action: 'await' });
  return { proposal, inspection, result };
}

/** As a person does it who has never heard of the record that the switch leaves. */
async function deployByHand(template: string): Promise<void> {
  const { Parameters } = (await stack()) as { Parameters: { ParameterKey: string }[] };
  await local.call('CreateChangeSet', {
    StackName: stackName,
    ChangeSetName: 'by-hand',
    TemplateBody: template,
    Parameters: Parameters.map(({ ParameterKey }) => ({ ParameterKey, UsePreviousValue: true })),
    Capabilities: ['CAPABILITY_IAM'],
  });
  const named = { StackName: stackName, ChangeSetName: 'by-hand' };
  while ((await local.call('DescribeChangeSet', named)).Status !== 'CREATE_COMPLETE') await pause(2);
  await local.call('ExecuteChangeSet', named);
  await local.settled(stackName);
}

async function text(): Promise<unknown> {
  return (await local.call('GetTemplate', { StackName: stackName })).TemplateBody;
}

async function stack(): Promise<Record<string, unknown>> {
  return ((await local.call('DescribeStacks', { StackName: stackName })).Stacks as Record<string, unknown>[])[0] ?? {};
}

describe('change-stack, the way through', () => {
  it('holds the count at zero: one property of one resource, the template as it was', async () => {
    const { proposal, inspection, result } = await whole('hold-at-zero', 0);
    expect(proposal.edits).toEqual([]);
    expect(inspection.outcome).toBe('ready');
    expect(inspection.changes).toContainEqual({
      logicalId: 'ZooidRelayService',
      action: 'Modify',
      replacement: 'False',
      properties: ['DesiredCount'],
    });
    expect(result).toEqual({
      status: 'complete',
      stackStatus: 'UPDATE_COMPLETE',
      lastUpdatedTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      lastChangeSet: proposal.changeSet,
    });
    expect(await text()).toBe(templateText);
    expect(provider.calls.map(({ resource }) => resource.logicalId)).toEqual(['ZooidRelayService']);
  });

  it('switches at count zero: the six edits, the new image, the URL from its secret', async () => {
    await whole('hold-at-zero', 0);
    const { proposal, inspection } = await whole('switch', 0);
    expect(proposal.edits).toHaveLength(6);
    expect(proposal.original).toBe(originalKey);
    expect(await text()).toBe(switched);
    expect(inspection.changes.map(({ logicalId, replacement }) => `${logicalId} ${replacement}`)).toEqual([
      'HighCPUAlarm False',
      'HighMemoryAlarm False',
      'ZooidRelayService False',
      'ZooidRelayTaskDefinition True',
    ]);
    const made = provider.calls.find(({ verb }) => verb === 'create')?.resource.properties;
    const [container] = (made?.ContainerDefinitions ?? []) as Record<string, unknown>[];
    expect(made).not.toHaveProperty('Volumes');
    expect(container).toMatchObject({ Image: newImage, Secrets: [{ Name: 'DATABASE_URL' }] });
    const moved = provider.calls.filter(({ resource }) => resource.logicalId === 'ZooidRelayService');
    expect(moved.map(({ resource }) => resource.properties.DesiredCount)).toEqual([0, 0]);
  });

  it('settles at count one', async () => {
    await whole('hold-at-zero', 0);
    await whole('switch', 0);
    await whole('settle', 1);
    expect((await stack()).Parameters).toContainEqual({ ParameterKey: 'RelayDesiredCount', ParameterValue: '1' });
    expect(await text()).toBe(switched);
  });

  it('keeps the original template and values once, before the first edit', async () => {
    await whole('hold-at-zero', 0);
    const values = JSON.parse(kept.get(parametersKey) ?? '{}');
    expect(values).toMatchObject({ RelayDesiredCount: '1', ContainerImage: oldImage, RelaySecretKey: '****' });
    await whole('switch', 0);
    expect(kept.get(originalKey)).toBe(templateText);
    expect(JSON.parse(kept.get(parametersKey) ?? '{}')).toEqual(values);
    expect([...kept.keys()].sort()).toEqual([parametersKey, originalKey].sort());
  });

  it('restores the original template byte for byte, with the old image and the secret key unharmed', async () => {
    await whole('hold-at-zero', 0);
    await whole('switch', 0);
    await whole('restore', 0);
    await whole('settle-restored', 1);
    expect(await text()).toBe(templateText);
    const made = provider.calls.findLast(({ verb }) => verb === 'create')?.resource.properties;
    const [container] = (made?.ContainerDefinitions ?? []) as { Image: string; Environment: unknown[] }[];
    expect(container?.Image).toBe(oldImage);
    expect(container?.Environment).toContainEqual({ Name: 'RELAY_SECRET', Value: secretKey });
    expect((await stack()).Parameters).toContainEqual({ ParameterKey: 'RelayDesiredCount', ParameterValue: '1' });
  });

  it('shows no secret in any answer or message', async () => {
    await whole('hold-at-zero', 0);
    provider.before = async ({ verb, resource }) => {
      const failing = verb === 'update' && resource.logicalId === 'ZooidRelayService';
      if (failing) throw new Error(`cannot reach postgres://zooid:${password}@host:5432/zooid`);
    };
    await expect(whole('switch', 0)).rejects.toThrow('continue-update-rollback');
    expect(said.join('\n')).toContain('postgres://****@host:5432/zooid');
    expect(said.join('\n')).not.toContain(password);
    expect(said.join('\n')).not.toContain(secretKey);
    expect([...kept.values()].join('\n')).not.toContain(secretKey);
  });

  it('never names a role, and passes every parameter', async () => {
    const asked: Record<string, unknown>[] = [];
    const client = cloudFormationClient({
      ...local,
      call: async (action, input) => {
        if (action === 'CreateChangeSet') asked.push(input);
        return local.call(action, input);
      },
    });
    const spied = createHandler({
      cloudFormation: client,
      artefacts: { get: async () => undefined, put: async () => {} },
      lock,
      askRegistry,
      now: () => now,
    });
    await spied(event('switch', 0));
    const [request] = asked;
    expect(request).not.toHaveProperty('RoleARN');
    expect(request).toMatchObject({
      ChangeSetType: 'UPDATE',
      IncludeNestedStacks: false,
      Capabilities: ['CAPABILITY_IAM'],
    });
    expect(request?.Parameters).toEqual([
      { ParameterKey: 'EnvironmentName', UsePreviousValue: true },
      { ParameterKey: 'RelayDomainName', UsePreviousValue: true },
      { ParameterKey: 'ContainerImage', ParameterValue: newImage },
      { ParameterKey: 'RelaySecretKey', UsePreviousValue: true },
      { ParameterKey: 'AdminPubkey', UsePreviousValue: true },
      { ParameterKey: 'AdminPubkeys', UsePreviousValue: true },
      { ParameterKey: 'RelayDesiredCount', ParameterValue: '0' },
      { ParameterKey: 'MigratorImage', UsePreviousValue: true },
    ]);
  });
});

describe('change-stack, done twice', () => {
  it('takes a change set without changes for success, and deletes it', async () => {
    const { inspection, result, proposal } = await whole('settle', 1);
    expect(inspection).toEqual({ outcome: 'empty', changes: [] });
    expect(result).toMatchObject({ status: 'unchanged', stackStatus: 'CREATE_COMPLETE', lastChangeSet: '' });
    expect(provider.calls).toEqual([]);
    const input = { StackName: stackName, ChangeSetName: proposal.changeSet };
    await expect(local.call('DescribeChangeSet', input)).rejects.toMatchObject({ name: 'ChangeSetNotFoundException' });
  });

  it('finds its own change set again when the same attempt proposes twice', async () => {
    const first = (await poll(event('hold-at-zero', 0))) as Proposal;
    const second = (await poll(event('hold-at-zero', 0))) as Proposal;
    expect(second.changeSet).toBe(first.changeSet);
  });

  it('proposes anew after a redrive, and the change set of before is obsolete then', async () => {
    const base = event('hold-at-zero', 0);
    const { proposal: old } = await inspected(base);
    const { proposal: next } = await whole('hold-at-zero', 0, { attempt: '1-0' });
    expect(next.changeSet).not.toBe(old.changeSet);
    const late = { ...base, changeSet: old.changeSet, outcome: 'ready' as const };
    await expect(handler({ ...late, action: 'inspect' })).rejects.toMatchObject({ name: 'ChangeSetObsolete' });
    await expect(handler({ ...late, action: 'execute' })).rejects.toMatchObject({
      name: 'ChangeSetObsolete',
      message: expect.stringContaining('execution status OBSOLETE. Expected AVAILABLE.'),
    });
  });

  it('passes over a used change set of the same attempt', async () => {
    const { proposal: first } = await whole('hold-at-zero', 0);
    await whole('settle', 1);
    const { proposal: second, inspection } = await whole('hold-at-zero', 0);
    expect(second.changeSet).not.toBe(first.changeSet);
    expect(inspection.outcome).toBe('ready');
  });

  it('edits nothing when the switch is already in the template', async () => {
    await whole('switch', 0);
    const { proposal, inspection } = await whole('switch', 0, { attempt: '1-0' });
    expect(proposal.edits).toEqual([]);
    expect(inspection.outcome).toBe('empty');
    expect(kept.get(originalKey)).toBe(templateText);
  });

  it('executes once, however often it is asked', async () => {
    const base = event('hold-at-zero', 0);
    const { proposal } = await inspected(base);
    const execute = { ...base, action: 'execute' as const, changeSet: proposal.changeSet, outcome: 'ready' as const };
    const done = { outcome: 'ready', executed: true };
    expect(await handler(execute)).toEqual(done);
    expect(await handler(execute)).toEqual(done);
    await local.settled(stackName);
    expect(await handler(execute)).toEqual(done);
    expect(provider.calls).toHaveLength(1);
  });

  it('takes a change set that is gone for obsolete', async () => {
    const base = event('hold-at-zero', 0);
    const { proposal } = await inspected(base);
    await local.call('DeleteChangeSet', { StackName: stackName, ChangeSetName: proposal.changeSet });
    await expect(handler({ ...base, action: 'execute', changeSet: proposal.changeSet })).rejects.toMatchObject({
      name: 'ChangeSetObsolete',
      message: `The change set ${proposal.changeSet} of the stack ${stackName} is gone. Expected it to wait for its execution. Another update has removed it: begin again with a new change set.`,
    });
  });

  it('says NotYet while the change set is made and while the stack is busy', async () => {
    const base = event('hold-at-zero', 0);
    const { changeSet } = (await handler(base)) as Proposal;
    await expect(handler({ ...base, action: 'inspect', changeSet })).rejects.toMatchObject({ name: 'NotYet' });
    await poll({ ...base, action: 'inspect', changeSet });
    await handler({ ...base, action: 'execute', changeSet });
    await expect(handler({ ...base, action: 'await', changeSet })).rejects.toMatchObject({ name: 'NotYet' });
    await expect(handler(event('settle', 1))).rejects.toMatchObject({
      name: 'NotYet',
      message: 'The stack sphere-zooid-relay is in UPDATE_IN_PROGRESS. Expected it to come to rest; asking again.',
    });
    await local.settled(stackName);
  });
});

describe('change-stack, failing', () => {
  it('refuses, with every finding, what is not on the list, deletes it, and executes nothing', async () => {
    // What was kept is not what the stack had: the restore would replace the file system.
    await whole('switch', 0);
    await deployByHand(
      removeRecord((await text()) as string).replace('      Threshold: 80\n', '      Threshold: 85\n'),
    );
    const drifted = (kept.get(originalKey) ?? '')
      .replace('      Threshold: 80\n', '      Threshold: 90\n')
      .replace('      Encrypted: true\n', '      Encrypted: false\n');
    kept.set(originalKey, drifted);
    provider.calls.length = 0;
    const base = event('restore', 0);
    const { changeSet } = (await poll(base)) as Proposal;
    const error = await poll({ ...base, action: 'inspect', changeSet }).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'Refused' });
    const lines = (error as Error).message.split('\n');
    expect(lines[0]).toBe('ChangeSetRefused: the change set for "restore" would do what its list does not allow:');
    expect(lines).toEqual(
      expect.arrayContaining([
        '- EFSFileSystem (AWS::EFS::FileSystem): replacement True of a resource that holds data',
        '- EFSFileSystem (AWS::EFS::FileSystem): Modify of a resource that is not on the list',
        '- EFSMountTarget1 (AWS::EFS::MountTarget): replacement True of a resource that holds data',
        '- HighCPUAlarm (AWS::CloudWatch::Alarm): Modify of a resource that is not on the list',
      ]),
    );
    expect(lines.at(-1)).toBe(
      'Expected the changes of this step alone; nothing was executed. Bring the stack and its template in line (a drift or a foreign edit shows here), then start again.',
    );
    await expect(
      local.call('DescribeChangeSet', { StackName: stackName, ChangeSetName: changeSet }),
    ).rejects.toMatchObject({ name: 'ChangeSetNotFoundException' });
    expect(provider.calls).toEqual([]);
  });

  it('names the resource that failed first and its reason, after the rollback', async () => {
    await whole('hold-at-zero', 0);
    let failures = 0;
    provider.before = async ({ verb, resource }) => {
      if (verb !== 'update' || resource.logicalId !== 'ZooidRelayService' || failures > 0) return;
      failures += 1;
      throw new Error('Resource handler returned message: ECS Deployment Circuit Breaker was triggered.');
    };
    const error = await whole('switch', 0).catch((reason: Error) => reason);
    expect(error).toMatchObject({
      name: 'StackUpdateFailed',
      message:
        'The update of the stack sphere-zooid-relay for "switch" ended in UPDATE_ROLLBACK_COMPLETE: ZooidRelayService (AWS::ECS::Service) UPDATE_FAILED: Resource handler returned message: ECS Deployment Circuit Breaker was triggered. The circuit breaker of ECS stopped the deployment, because its tasks kept failing: their log and stopped reason say why. Expected UPDATE_COMPLETE. CloudFormation has put the stack back as it was before this update.',
    });
    expect(await text()).toBe(templateText);
  });

  it('goes on from a rollback: the next attempt switches', async () => {
    let failures = 0;
    provider.before = async ({ verb }) => {
      if (verb !== 'create' || failures > 0) return;
      failures += 1;
      throw new Error('throttled');
    };
    await expect(whole('switch', 0)).rejects.toMatchObject({ name: 'StackUpdateFailed' });
    const { proposal } = await whole('switch', 0, { attempt: '1-0' });
    expect(proposal.edits).toHaveLength(6);
    expect(await text()).toBe(switched);
  });

  it('says so when another update came after ours', async () => {
    const ours = await whole('hold-at-zero', 0);
    const theirs = await whole('settle', 1);
    const late = event('hold-at-zero', 0, { action: 'await', changeSet: ours.proposal.changeSet, outcome: 'ready' });
    await expect(handler(late)).rejects.toMatchObject({
      name: 'StackUpdateFailed',
      message: `The last update of the stack ${stackName} is not ours: it came from ${theirs.proposal.changeSet}, execution status of ours is EXECUTE_COMPLETE. Expected ${ours.proposal.changeSet}. Keep others from updating the stack while a cutover runs.`,
    });
  });

  it('refuses a stack that allows no update', async () => {
    provider.before = async () => {
      throw new Error('gone');
    };
    await expect(whole('hold-at-zero', 0)).rejects.toThrow('run continue-update-rollback, then redrive');
    await expect(handler(event('settle', 1))).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(
        /^The stack sphere-zooid-relay is in UPDATE_ROLLBACK_FAILED, which allows no update\./,
      ),
    });
  });

  it.each([
    ['a stack that is not there', event('switch', 0, { stackName: 'other' }), /^There is no stack other\./],
    [
      'an action without its change set',
      event('switch', 0, { action: 'inspect' }),
      /^The action "inspect" came without a change set\./,
    ],
    [
      'a template without the count as a parameter',
      event('settle', 1, { names: { ...parseSettings().names, desiredCountParameter: 'Count' } }),
      /^The template has no parameter Count\./,
    ],
  ])('refuses %s', async (_, asked, message) => {
    await expect(handler(asked)).rejects.toMatchObject({ name: 'Refused', message: expect.stringMatching(message) });
  });
});

describe('change-stack, with the lock', () => {
  const other = owner.replace('run-1', 'run-2');
  const lost: [string, Partial<LockItem> | undefined, string][] = [
    [
      'somebody else has taken over',
      { owner: other },
      `The execution ${other} has taken over the stack ${stackName} at 2026-01-01T11:00:00.000Z; this one, ${owner}, changes nothing more.`,
    ],
    [
      'this execution has released it',
      { released: true },
      `The execution ${owner} has ended and released the stack ${stackName}; it changes nothing more. Start a new one.`,
    ],
    [
      'nobody has it',
      undefined,
      `No execution has ever locked the stack ${stackName}; expected ${owner}, which changes nothing. Start a new one.`,
    ],
  ];
  const lose = (change: Partial<LockItem> | undefined) => {
    locked = change && locked && { ...locked, ...change };
  };

  it.each(lost)('proposes nothing when %s', async (_, change, message) => {
    lose(change);
    await expect(handler(event('switch', 0))).rejects.toMatchObject({ name: 'LockHeld', message });
    expect([...kept.keys()]).toEqual([]);
    expect(proposed).toBe(0);
  });

  it.each(lost)('executes nothing when %s', async (_, change, message) => {
    const base = event('hold-at-zero', 0);
    const { proposal } = await inspected(base);
    lose(change);
    const late = { ...base, action: 'execute' as const, changeSet: proposal.changeSet, outcome: 'ready' as const };
    await expect(handler(late)).rejects.toMatchObject({ name: 'LockHeld', message });
    expect(await stack()).toMatchObject({ StackStatus: 'CREATE_COMPLETE' });
  });

  it('still looks and waits, which changes nothing', async () => {
    const base = event('hold-at-zero', 0);
    const proposal = (await poll(base)) as Proposal;
    const onward = { ...base, changeSet: proposal.changeSet, outcome: 'ready' as const };
    lose({ owner: other });
    expect(await poll({ ...onward, action: 'inspect' })).toMatchObject({ outcome: 'ready' });
    lose({ owner });
    await poll({ ...onward, action: 'execute' });
    lose({ owner: other });
    expect(await poll({ ...onward, action: 'await' })).toMatchObject({ status: 'complete' });
  });

  it('reads the lock of the stack that is to be changed', async () => {
    const read: string[] = [];
    const spied = createHandler({
      cloudFormation: cloudFormationClient(local),
      artefacts: { get: async () => undefined, put: async () => {} },
      lock: { read: async (name) => void read.push(name) as undefined },
      askRegistry,
      now: () => now,
    });
    await expect(spied(event('switch', 0))).rejects.toMatchObject({ name: 'LockHeld' });
    expect(read).toEqual([stackName]);
  });
});

describe('change-stack, with a deadline', () => {
  it('waits no longer than the write stop may last', async () => {
    const base = event('hold-at-zero', 0, { deadline: '2026-01-01T12:00:00.000Z' });
    const { proposal, inspection } = await inspected(base);
    const onward = { ...base, changeSet: proposal.changeSet, outcome: inspection.outcome };
    await handler({ ...onward, action: 'execute' });
    await expect(handler({ ...onward, action: 'await' })).rejects.toMatchObject({ name: 'NotYet' });
    now = new Date('2026-01-01T12:00:00.001Z');
    await expect(handler({ ...onward, action: 'await' })).rejects.toMatchObject({
      name: 'DeadlineExceeded',
      message:
        'The write stop may not last longer: at its deadline, 2026-01-01T12:00:00.000Z, this was still being waited for: The stack sphere-zooid-relay is in UPDATE_IN_PROGRESS. Expected it to come to rest; asking again.',
    });
    await local.settled(stackName);
    expect(await handler({ ...onward, action: 'await' })).toMatchObject({ status: 'complete' });
  });
});

describe('change-stack, restoring out of turn', () => {
  /** Lets updates of the service wait until the returned function is called. */
  function blocked(): () => void {
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    provider.before = ({ verb }) => (verb === 'update' ? gate : Promise.resolve());
    return go;
  }

  /** Begins the update of a purpose and does not wait for it. */
  async function begun(purpose: ChangePurpose, desiredCount: number): Promise<string> {
    const base = event(purpose, desiredCount);
    const { proposal } = await inspected(base);
    await handler({ ...base, action: 'execute', changeSet: proposal.changeSet, outcome: 'ready' });
    return proposal.changeSet;
  }

  function calling(call: LocalCloudFormation['call']) {
    return createHandler({
      cloudFormation: cloudFormationClient({ ...local, call }),
      artefacts: { get: async (key) => kept.get(key), put: async () => {} },
      lock,
      askRegistry,
      now: () => now,
    });
  }

  function counting(cancels: { count: number }, instead?: () => Promise<never>) {
    const call: LocalCloudFormation['call'] = async (action, input) => {
      if (action !== 'CancelUpdateStack') return local.call(action, input);
      cancels.count += 1;
      return instead === undefined ? local.call(action, input) : instead();
    };
    return calling(call);
  }

  it('cancels an update of ours that is under way, waits for its rollback, and then restores', async () => {
    await whole('hold-at-zero', 0);
    const go = blocked();
    const changeSet = await begun('switch', 0);
    const cancels = { count: 0 };
    const restoring = counting(cancels);
    await expect(restoring(REST)).rejects.toMatchObject({
      name: 'NotYet',
      message: `The update of the stack ${stackName} by ${changeSet} is being cancelled. Expected the stack to come to rest; asking again.`,
    });
    expect(cancels.count).toBe(1);
    go();
    await local.settled(stackName);
    expect(await restoring(REST)).toEqual({ stackStatus: 'UPDATE_ROLLBACK_COMPLETE' });
    await whole('restore', 0);
    expect(await text()).toBe(templateText);
  });

  it.each<ChangePurpose>(['hold-at-zero', 'switch', 'settle', 'restore', 'settle-restored'])(
    'cancels nothing when a change for %s is proposed',
    async (purpose) => {
      const go = blocked();
      await begun('hold-at-zero', 0);
      const cancels = { count: 0 };
      await expect(counting(cancels)(event(purpose, 0))).rejects.toMatchObject({
        name: 'NotYet',
        message: 'The stack sphere-zooid-relay is in UPDATE_IN_PROGRESS. Expected it to come to rest; asking again.',
      });
      expect(cancels.count).toBe(0);
      go();
      await local.settled(stackName);
      expect(await stack()).toMatchObject({ StackStatus: 'UPDATE_COMPLETE' });
    },
  );

  it("waits for somebody else's update and never cancels it", async () => {
    const go = blocked();
    const { Id } = await local.call('CreateChangeSet', {
      StackName: stackName,
      ChangeSetName: 'theirs-relay-cutover-1',
      UsePreviousTemplate: true,
      Parameters: [
        { ParameterKey: 'RelayDesiredCount', ParameterValue: '0' },
        ...['RelaySecretKey', 'AdminPubkey', 'AdminPubkeys'].map((ParameterKey) => ({
          ParameterKey,
          UsePreviousValue: true,
        })),
      ],
      Capabilities: ['CAPABILITY_IAM'],
    });
    const input = { StackName: stackName, ChangeSetName: String(Id) };
    await expect
      .poll(() => local.call('DescribeChangeSet', input))
      .toMatchObject({ Status: 'CREATE_COMPLETE', ExecutionStatus: 'AVAILABLE' });
    await local.call('ExecuteChangeSet', input);
    const cancels = { count: 0 };
    await expect(counting(cancels)(REST)).rejects.toMatchObject({
      name: 'NotYet',
      message: 'The stack sphere-zooid-relay is in UPDATE_IN_PROGRESS. Expected it to come to rest; asking again.',
    });
    expect(cancels.count).toBe(0);
    go();
    await local.settled(stackName);
  });

  it.each(['EXECUTE_COMPLETE', 'gone'])(
    'takes an update for foreign when our change set, still named by the stack, is %s',
    async (status) => {
      const go = blocked();
      const changeSet = await begun('hold-at-zero', 0);
      const cancels = { count: 0 };
      const call: LocalCloudFormation['call'] = async (action, input) => {
        if (action === 'CancelUpdateStack') cancels.count += 1;
        if (action !== 'DescribeChangeSet' || input.ChangeSetName !== changeSet) return local.call(action, input);
        if (status === 'gone') throw Object.assign(new Error('gone'), { name: 'ChangeSetNotFoundException' });
        return { Status: 'CREATE_COMPLETE', ExecutionStatus: status };
      };
      const restoring = createHandler({
        cloudFormation: cloudFormationClient({ ...local, call }),
        artefacts: { get: async () => undefined, put: async () => {} },
        lock,
        askRegistry,
        now: () => now,
      });
      await expect(restoring(REST)).rejects.toMatchObject({
        name: 'NotYet',
        message: expect.stringContaining(' is in UPDATE_IN_PROGRESS. '),
      });
      expect(cancels.count).toBe(0);
      go();
      await local.settled(stackName);
    },
  );

  it('waits when the update has ended just before it was cancelled, and passes on what else is wrong', async () => {
    const go = blocked();
    await begun('hold-at-zero', 0);
    const failing = (name: string) => async () => {
      throw Object.assign(new Error('no'), { name });
    };
    const late = counting({ count: 0 }, failing('ValidationError'));
    await expect(late(REST)).rejects.toMatchObject({ name: 'NotYet' });
    const denied = counting({ count: 0 }, failing('AccessDenied'));
    await expect(denied(REST)).rejects.toMatchObject({ name: 'AccessDenied' });
    go();
    await local.settled(stackName);
  });

  it('leaves a stack at rest alone, and one that another execution has taken over', async () => {
    expect(await handler(REST)).toEqual({ stackStatus: 'CREATE_COMPLETE' });
    locked = { ...(locked as LockItem), owner: `${owner}-other` };
    await expect(handler(REST)).rejects.toMatchObject({ name: 'LockHeld' });
  });

  /** A change set that somebody has made and nobody has executed. */
  async function waitingByHand(name: string): Promise<void> {
    const { Parameters } = (await stack()) as { Parameters: { ParameterKey: string }[] };
    await local.call('CreateChangeSet', {
      StackName: stackName,
      ChangeSetName: name,
      UsePreviousTemplate: true,
      Parameters: Parameters.map(({ ParameterKey }) =>
        ParameterKey === 'RelayDesiredCount'
          ? { ParameterKey, ParameterValue: '0' }
          : { ParameterKey, UsePreviousValue: true },
      ),
      Capabilities: ['CAPABILITY_IAM'],
    });
    await expect
      .poll(() => local.call('DescribeChangeSet', { StackName: stackName, ChangeSetName: name }))
      .toMatchObject({ ExecutionStatus: 'AVAILABLE' });
  }

  it('leaves nothing to execute for the function of an execution that was stopped, however late it comes to that', async () => {
    await whole('hold-at-zero', 0);
    const base = event('switch', 0);
    const { proposal } = await inspected(base);
    let isAtRest = () => {};
    const untilAtRest = new Promise<void>((resolve) => {
      isAtRest = resolve;
    });
    const slow = calling(async (action, input) => {
      if (action === 'ExecuteChangeSet') await untilAtRest;
      return local.call(action, input);
    });
    const stopped = slow({ ...base, action: 'execute', changeSet: proposal.changeSet, outcome: 'ready' });
    await pause(5);
    expect(await handler(REST)).toEqual({ stackStatus: 'UPDATE_COMPLETE' });
    isAtRest();
    await expect(stopped).rejects.toMatchObject({ name: 'ChangeSetObsolete' });
    await local.settled(stackName);
    expect(await stack()).toMatchObject({ StackStatus: 'UPDATE_COMPLETE' });
    expect(await text()).not.toBe(switched);
  });

  it("removes each of ours that waits, on all pages, and nobody else's", async () => {
    const { proposal } = await inspected(event('switch', 0));
    await waitingByHand('theirs-relay-cutover-1');
    await waitingByHand('relay-cutover-a-long-time-ago');
    const onePerPage = calling(async (action, input) => {
      const whole = await local.call(action, input);
      if (action !== 'ListChangeSets') return whole;
      const at = Number(input.NextToken ?? 0);
      const all = whole.Summaries as object[];
      return { Summaries: all.slice(at, at + 1), ...(at + 1 < all.length && { NextToken: String(at + 1) }) };
    });
    expect(await onePerPage(REST)).toEqual({ stackStatus: 'CREATE_COMPLETE' });
    const describe = (name: string) => local.call('DescribeChangeSet', { StackName: stackName, ChangeSetName: name });
    await expect(describe(proposal.changeSet)).rejects.toMatchObject({ name: 'ChangeSetNotFoundException' });
    await expect(describe('relay-cutover-a-long-time-ago')).rejects.toMatchObject({
      name: 'ChangeSetNotFoundException',
    });
    expect(await describe('theirs-relay-cutover-1')).toMatchObject({ ExecutionStatus: 'AVAILABLE' });
  });

  it('waits for one whose execution began in the same moment, and passes on that none may be removed', async () => {
    const { proposal } = await inspected(event('hold-at-zero', 0));
    const failing = (name: string) =>
      calling(async (action, input) => {
        if (action !== 'DeleteChangeSet') return local.call(action, input);
        if (name === 'AccessDenied') throw Object.assign(new Error('no'), { name });
        await local.call('ExecuteChangeSet', { StackName: stackName, ChangeSetName: proposal.changeSet });
        return local.call(action, input);
      });
    await expect(failing('AccessDenied')(REST)).rejects.toMatchObject({ name: 'AccessDenied' });
    const go = blocked();
    await expect(failing('begun')(REST)).rejects.toMatchObject({
      name: 'NotYet',
      message: expect.stringContaining('is being cancelled'),
    });
    go();
    await local.settled(stackName);
  });

  it('changes the desired count alone where nothing was kept, since nothing was ever edited', async () => {
    const { proposal, inspection } = await whole('restore', 0);
    expect(proposal).toMatchObject({ edits: [], original: '' });
    expect(inspection.changes).toContainEqual({
      logicalId: 'ZooidRelayService',
      action: 'Modify',
      replacement: 'False',
      properties: ['DesiredCount'],
    });
    expect(await text()).toBe(templateText);
    expect((await stack()).Parameters).toEqual(
      expect.arrayContaining([
        { ParameterKey: 'RelayDesiredCount', ParameterValue: '0' },
        { ParameterKey: 'ContainerImage', ParameterValue: oldImage },
      ]),
    );
    expect([...kept.keys()]).toEqual([]);
  });

  it('names what was kept where there is something, and refuses a template without its values', async () => {
    await whole('hold-at-zero', 0);
    expect(await poll(event('restore', 0))).toMatchObject({ edits: [], original: originalKey });
    kept.delete(parametersKey);
    await expect(handler(event('restore', 0))).rejects.toMatchObject({
      name: 'Refused',
      message: `There is no ${parametersKey} among the artefacts. Expected what was kept before the first edit of this execution. Without it the old template is deployed by hand, from the repository.`,
    });
  });
});

describe('the artefacts in S3', () => {
  /** Answers as S3 does for these two commands, the condition included. */
  function bucket() {
    const objects = new Map<string, string>();
    const named = (name: string) => Object.assign(new Error(name), { name });
    const send = async ({ input }: { input: { Key: string; Body?: string; IfNoneMatch?: string } }) => {
      const { Key, Body, IfNoneMatch } = input;
      const there = objects.get(Key);
      if (Body !== undefined) {
        if (there !== undefined && IfNoneMatch === '*') throw named('PreconditionFailed');
        objects.set(Key, Body);
        return {};
      }
      if (there === undefined) throw named('NoSuchKey');
      return { Body: { transformToString: async () => there } };
    };
    return s3Artefacts({ send } as unknown as S3Client, 'artefacts');
  }

  it('keeps the first text under a key', async () => {
    const artefacts = bucket();
    expect(await artefacts.get('a')).toBeUndefined();
    await artefacts.put('a', 'first');
    await artefacts.put('a', 'second');
    expect(await artefacts.get('a')).toBe('first');
  });
});

describe('change-stack, finding what a cutover kept', () => {
  const find = (execution = 'run-1') =>
    handler({ action: 'find-original', owner, stackName, execution } as never) as Promise<unknown>;

  it('names the execution and the image of the old relay', async () => {
    await whole('switch', 0);
    expect(await find()).toEqual({ execution: 'run-1', image: oldImage });
  });

  it('refuses where nothing was kept under that name', async () => {
    await expect(find('another')).rejects.toMatchObject({
      name: 'Refused',
      message: `There is no ${stackName}/another/original-template.yaml among the artefacts, or no ContainerImage in ${stackName}/another/original-parameters.json. Expected what the cutover another kept of the stack. Without it nobody knows the image of the old relay: restore an earlier version of these objects, then start again.`,
    });
  });

  it('refuses where the image of the old relay is gone', async () => {
    await whole('switch', 0);
    registry = { status: 'missing', reason: 'ghcr.io has no such image' };
    await expect(find()).rejects.toMatchObject({
      name: 'Refused',
      message:
        'ghcr.io has no such image: the old relay could not start. Nothing was changed. Push the image again, then start again.',
    });
  });
});
