import { describe, expect, it } from 'vitest';
import { destroy } from '../../infra/destroy.ts';
import { parseSettings } from '../../statemachine/settings.ts';

const settings = parseSettings();
const STACK = 'sphere-zooid-relay-cutover';
const STACK_ID = `arn:aws:cloudformation:me-central-1:123456789012:stack/${STACK}/1`;
const MACHINE = 'arn:aws:states:me-central-1:123456789012:stateMachine:sphere-zooid-relay-cutover';
const EXECUTION = 'arn:aws:states:me-central-1:123456789012:execution:sphere-zooid-relay-cutover:one';

interface World {
  /** Without it there is no stack. */
  exists?: boolean;
  lock?: object | undefined;
  running?: string[];
  status?: string;
  relayRole?: string;
  /** Network interfaces, look by look; the last one stays. */
  interfaces?: string[][];
  afterwards?: string;
  code?: number;
}

/** The stack as AWS tells of it, before and after the CDK has run. */
async function destroyIn(world: World, { despiteLock = false } = {}) {
  const { exists = true, running = [], interfaces = [[]], afterwards = 'DELETE_COMPLETE', code = 0 } = world;
  const said: string[] = [];
  const run: string[][] = [];
  const filters: unknown[] = [];
  let seconds = 0;
  const resource = (ResourceType: string, PhysicalResourceId: string, ResourceStatus: string) => ({
    ResourceType,
    PhysicalResourceId,
    ResourceStatus,
  });
  const answers: Record<string, (input: Record<string, unknown>) => object> = {
    DescribeStacksCommand({ StackName }) {
      if (StackName === settings.stackName) return { Stacks: [world.relayRole ? { RoleARN: world.relayRole } : {}] };
      if (!exists)
        throw Object.assign(new Error(`Stack with id ${StackName} does not exist`), { name: 'ValidationError' });
      const Parameters = [{ ParameterKey: 'SecurityGroupId', ParameterValue: 'sg-1' }];
      return {
        Stacks: [{ StackId: STACK_ID, StackStatus: run.length > 0 ? afterwards : 'CREATE_COMPLETE', Parameters }],
      };
    },
    DescribeStackResourcesCommand: ({ StackName }) => ({
      StackResources:
        StackName === STACK
          ? [resource('AWS::StepFunctions::StateMachine', MACHINE, 'CREATE_COMPLETE')]
          : [
              resource('AWS::StepFunctions::StateMachine', MACHINE, 'DELETE_COMPLETE'),
              resource('AWS::DynamoDB::Table', `${STACK}-locks`, 'DELETE_SKIPPED'),
              resource('AWS::S3::Bucket', 'artefacts-1', 'DELETE_SKIPPED'),
              resource('AWS::Lambda::Version', 'arn:of:a:version', 'DELETE_SKIPPED'),
            ],
    }),
    ListExecutionsCommand: ({ stateMachineArn, statusFilter }) => {
      expect([stateMachineArn, statusFilter]).toEqual([MACHINE, 'RUNNING']);
      return { executions: running.map((executionArn) => ({ executionArn })) };
    },
    DescribeExecutionCommand: () => ({ status: world.status }),
    GetCommand: (input) => {
      expect(input).toEqual({
        TableName: `${STACK}-locks`,
        Key: { stackName: settings.stackName },
        ConsistentRead: true,
      });
      return { Item: world.lock };
    },
    DescribeNetworkInterfacesCommand({ Filters }) {
      filters.push(Filters);
      const ids = (interfaces.length > 1 ? interfaces.shift() : interfaces[0]) as string[];
      return { NetworkInterfaces: ids.map((NetworkInterfaceId) => ({ NetworkInterfaceId })) };
    },
  };
  const client = {
    send: async (command: { constructor: { name: string }; input: Record<string, unknown> }) =>
      answers[command.constructor.name]?.(command.input),
  };
  const clients = { cloudFormation: client, stepFunctions: client, locks: client, ec2: client };
  const result = await destroy(
    {
      clients: clients as unknown as Parameters<typeof destroy>[0]['clients'],
      synthesize: () => {},
      runCdk: async (args) => {
        run.push(args);
        return code;
      },
      say: (line) => void said.push(line),
      now: () => new Date(seconds * 1_000),
      async sleep(more) {
        seconds += more;
      },
    },
    settings,
    { despiteLock, cdkOptions: ['--force'] },
  ).catch((caught: Error) => caught);
  return { result, said, run, filters, seconds };
}

const LEFT = [
  'Left on purpose, since it says what happened and how it was before; delete it by hand when nobody will ask:',
  `  AWS::DynamoDB::Table ${STACK}-locks`,
  '  AWS::S3::Bucket artefacts-1',
];
const held = { owner: EXECUTION, released: false, held: { state: 'Verdict', error: 'VerificationFailed' } };

describe('destroying the stack', () => {
  it('leaves what says what happened, and says so', async () => {
    const { result, said, run, filters } = await destroyIn({ lock: { owner: EXECUTION, released: true, held: null } });
    expect(result).toBe(0);
    expect(run).toEqual([['destroy', STACK, '--force']]);
    expect(said).toEqual([...LEFT, "The relay's own stack was not touched."]);
    expect(filters).toEqual([
      [
        { Name: 'group-id', Values: ['sg-1'] },
        { Name: 'interface-type', Values: ['lambda'] },
      ],
    ]);
  });

  it("waits until Lambda's network interfaces are gone from the relay's security group", async () => {
    const { result, said, seconds } = await destroyIn({ interfaces: [['eni-1', 'eni-2'], ['eni-2'], []] });
    expect(result).toBe(0);
    expect(said).toEqual([
      ...LEFT,
      'Waiting until Lambda has removed its network interfaces eni-1, eni-2; this may take half an hour.',
      "The relay's own stack was not touched.",
    ]);
    expect(seconds).toBe(40);
  });

  it('gives up on interfaces that stay, and says whose they may be', async () => {
    const { result } = await destroyIn({ interfaces: [['eni-1']] });
    expect(result).toMatchObject({
      name: 'Refused',
      message:
        'The network interfaces eni-1 of Lambda still use sg-1 after 60 minutes. Expected none. See by their description whose function they belong to; repeat npm run destroy when that one is gone.',
    });
  });

  it('refuses while executions run or are held, and names all of it at once', async () => {
    const { result, run } = await destroyIn({ running: [`${EXECUTION}-2`], lock: held });
    expect(result).toMatchObject({
      name: 'Refused',
      message: [
        `The stack ${STACK} is in use:`,
        `  The execution ${EXECUTION}-2 runs. Wait for its end.`,
        `  The execution ${EXECUTION} is held at Verdict (VerificationFailed). Redrive it, or start restore with {"takeOver": true}. To give it up all the same, add --despite-lock.`,
      ].join('\n'),
    });
    expect(run).toEqual([]);
  });

  it('refuses when an execution has ended halfway, and goes on when it has succeeded all the same', async () => {
    const lock = { owner: EXECUTION, released: false, held: null };
    const { result, run } = await destroyIn({ lock, status: 'TIMED_OUT' });
    expect(result).toMatchObject({
      message: `The stack ${STACK} is in use:\n  The execution ${EXECUTION} is TIMED_OUT and has not given its lock back. See how the relay stands, then start restore with {"takeOver": true}. To give it up all the same, add --despite-lock.`,
    });
    expect(run).toEqual([]);
    expect(await destroyIn({ lock, status: 'SUCCEEDED' })).toMatchObject({ result: 0 });
  });

  it('goes on despite a lock where that is said, but never while an execution runs', async () => {
    expect(await destroyIn({ lock: held }, { despiteLock: true })).toMatchObject({ result: 0 });
    const { result } = await destroyIn({ lock: held, running: [EXECUTION] }, { despiteLock: true });
    expect(result).toMatchObject({
      message: `The stack ${STACK} is in use:\n  The execution ${EXECUTION} runs. Wait for its end.`,
    });
  });

  it("refuses to take the relay's stack the role by which it acts, and leaves another one alone", async () => {
    const ours = `arn:aws:iam::123456789012:role/${STACK}-someRole-ABC`;
    const { result, run } = await destroyIn({ relayRole: ours });
    expect(result).toMatchObject({
      message: `The stack ${STACK} is in use:\n  The relay's stack acts by the role ${ours}, which is a role of this stack: without it nobody could change the relay's stack. Give it another role by an update with --role-arn first.`,
    });
    expect(run).toEqual([]);
    const other = 'arn:aws:iam::123456789012:role/deployer';
    const { said } = await destroyIn({ relayRole: other });
    expect(said[0]).toBe(
      `The relay's stack sphere-zooid-relay acts by the role ${other}, which is none of this stack's: keep it.`,
    );
  });

  it('does nothing where there is no stack', async () => {
    const { result, said, run } = await destroyIn({ exists: false });
    expect([result, said, run]).toEqual([0, [`There is no stack ${STACK} in me-central-1: nothing to destroy.`], []]);
  });

  it('says that the stack still stands, when its owner has said no or CloudFormation could not', async () => {
    const { result, said } = await destroyIn({ afterwards: 'CREATE_COMPLETE' });
    expect([result, said]).toEqual([
      1,
      [`The stack ${STACK} is in CREATE_COMPLETE. Expected DELETE_COMPLETE; it was not destroyed.`],
    ]);
    expect(await destroyIn({ code: 1 })).toMatchObject({ result: 1, said: [] });
  });
});
