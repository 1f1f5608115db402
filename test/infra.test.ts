import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutoverStack } from '../infra/cutover-stack.ts';
import { createClock } from '../rehearsal/clock.ts';
import { functionArn } from '../rehearsal/names.ts';
import { createStepFunctions, type MachineName } from '../rehearsal/step-functions.ts';
import type { StateMachine } from '../statemachine/asl.ts';
import { FUNCTIONS, type FunctionName, substitutionKey } from '../statemachine/functions.ts';
import { parseSettings } from '../statemachine/settings.ts';
import { allStates } from './statemachine/graph.ts';

const settings = parseSettings();
const { region, stackName } = settings;
const outdir = mkdtempSync(join(tmpdir(), 'cutover-synth-'));
let template: Template;
/** By logical id; what CloudFormation puts in stands in the texts as `${...}`. */
let resources: Record<string, Resource>;

interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the resource type has.
  Properties: any;
}

beforeAll(() => {
  const app = new App({ outdir });
  template = Template.fromStack(new CutoverStack(app, 'cutover', settings));
  resources = plain(template.toJSON().Resources) as typeof resources;
});
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const intrinsic = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
  if (intrinsic.Ref) return `\${${intrinsic.Ref}}`;
  if (intrinsic['Fn::GetAtt']) return `\${${intrinsic['Fn::GetAtt'].join('.')}}`;
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(plain).join(intrinsic['Fn::Join'][0]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
const arn = (service: string, named: string) =>
  `arn:\${AWS::Partition}:${service}:${region}:\${AWS::AccountId}:${named}`;

const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];
const MACHINE_NAMES: MachineName[] = ['cutover', 'restore'];
const RULE = 'the rule';

const all = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);

/** The one resource of its type that has these properties; its `ref` is the text that refers to it. */
function the(type: string, properties: Record<string, unknown> = {}) {
  const found = all(type).filter(([, { Properties }]) =>
    Object.entries(properties).every(([name, value]) => Properties[name] === value),
  );
  expect(found).toHaveLength(1);
  const [[id, { Properties }]] = found as [[string, Resource]];
  return { id, ref: `\${${id}}`, ...Properties };
}
const functionOf = (name: FunctionName) => the('AWS::Lambda::Function', { Description: FUNCTIONS[name].purpose });
const versionOf = (name: FunctionName) => the('AWS::Lambda::Version', { FunctionName: functionOf(name).ref });
const machineOf = (name: MachineName) =>
  the('AWS::StepFunctions::StateMachine', { StateMachineName: `${stackName}-${name}` });

const BUCKET = `arn:\${AWS::Partition}:s3:::\${ArtefactBucket}`;

/** Who acts in which role, by the text that refers to the role's ARN. */
const owners = () =>
  new Map<string, string>([
    ...FUNCTION_NAMES.map((name) => [functionOf(name).Role, name] as const),
    ...MACHINE_NAMES.map((name) => [machineOf(name).RoleArn, name] as const),
    [the('AWS::Events::Rule').Targets[0].RoleArn, RULE],
  ]);

interface Grant {
  owner: string;
  action: string;
  resources: string[];
  condition: unknown;
}

/** Every action that somebody may do, statement by statement. */
function grants(): Grant[] {
  const ownerOf = owners();
  return all('AWS::IAM::Policy').flatMap(([, { Properties }]) =>
    Properties.Roles.flatMap((role: string) =>
      Properties.PolicyDocument.Statement.flatMap(
        ({ Action, Resource, Condition, ...others }: Record<string, string>) => {
          expect(others).toEqual({ Effect: 'Allow' });
          const owner = ownerOf.get(role.replace('}', '.Arn}')) ?? role;
          return [Action]
            .flat()
            .map((action) => ({ owner, action, resources: [Resource].flat(), condition: Condition }));
        },
      ),
    ),
  );
}
const grantsOf = (owner: string) => grants().filter((grant) => grant.owner === owner);

/** Resources by action, of one owner; all of them where several statements name the action. */
const mayOf = (owner: string) => gathered(grantsOf(owner).map(({ action, resources }) => [action, resources]));
/** Resources by owner, of one action. */
const mayDo = (wanted: string) =>
  gathered(grants().flatMap(({ owner, action, resources }) => (action === wanted ? [[owner, resources]] : [])));

function gathered(pairs: [string, string[]][]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const [key, values] of pairs) all[key] = [...(all[key] ?? []), ...values];
  return all;
}

describe('the state machines', () => {
  /** The definition that the rehearsal gives to its interpreter. */
  function interpreted(name: MachineName): StateMachine {
    let seen: StateMachine | undefined;
    createStepFunctions({
      settings,
      clock: createClock({ speed: Number.POSITIVE_INFINITY }),
      integration: () => expect.fail('nothing is called'),
      edit(_, definition) {
        seen = definition;
        return { ...definition, StartAt: 'End', States: { End: { Type: 'Succeed', Comment: 'At once' } } };
      },
      onEvent: () => {},
    }).start(name, {});
    return seen as StateMachine;
  }

  it.each(MACHINE_NAMES)(
    'deploys the very %s that the rehearsal interprets, with the versions that it calls',
    (name) => {
      const machine = machineOf(name);
      expect(machine).toMatchObject({
        StateMachineType: 'STANDARD',
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      });
      const placeholder = /\$\{(\w+)\}/g;
      const used = [...machine.DefinitionString.matchAll(placeholder)].map((match) => match[1]);
      expect(Object.keys(machine.DefinitionSubstitutions).sort()).toEqual([...new Set(used)].sort());
      const called = new Map(FUNCTION_NAMES.map((one) => [versionOf(one).ref, functionArn(region, one)]));
      const deployed = machine.DefinitionString.replace(placeholder, (_: string, key: string) =>
        called.get(machine.DefinitionSubstitutions[key]),
      );
      expect(JSON.parse(deployed)).toEqual(interpreted(name));
    },
  );

  it('are two, call every function between them, and have one version of each', () => {
    expect(all('AWS::StepFunctions::StateMachine')).toHaveLength(2);
    expect(all('AWS::Lambda::Function')).toHaveLength(FUNCTION_NAMES.length);
    expect(all('AWS::Lambda::Version')).toHaveLength(FUNCTION_NAMES.length);
    const called = MACHINE_NAMES.flatMap((name) => Object.values(machineOf(name).DefinitionSubstitutions));
    expect([...new Set(called)].sort()).toEqual(FUNCTION_NAMES.map((name) => versionOf(name).ref).sort());
  });

  /** Step Functions developer guide, "IAM policies for calling Amazon ECS" and "AWS SDK integrations". */
  const NEEDED: Record<string, string[]> = {
    'arn:aws:states:::lambda:invoke': ['lambda:InvokeFunction'],
    'arn:aws:states:::aws-sdk:ecs:describeServices': ['ecs:DescribeServices'],
    'arn:aws:states:::aws-sdk:ecs:updateService': ['ecs:UpdateService', 'iam:PassRole'],
    'arn:aws:states:::ecs:runTask.sync': [
      'ecs:DescribeTasks',
      'ecs:RunTask',
      'ecs:StopTask',
      'events:DescribeRule',
      'events:PutRule',
      'events:PutTargets',
      'iam:PassRole',
    ],
  };

  it.each(MACHINE_NAMES)('lets %s do what its states do, and nothing else but log and trace', (name) => {
    const tasks = allStates(interpreted(name).States).flatMap(({ state }) => (state.Type === 'Task' ? [state] : []));
    const needed = new Set(tasks.flatMap(({ Resource }) => NEEDED[Resource] ?? Resource));
    const granted = grantsOf(name).filter(({ action }) => !/^(logs|xray):/.test(action));
    expect([...new Set(granted.map(({ action }) => action))].sort()).toEqual([...needed].sort());
    // Every version of the functions that it calls: a held execution calls those of its own time.
    const called = FUNCTION_NAMES.filter((one) => substitutionKey(one) in machineOf(name).DefinitionSubstitutions);
    expect(mayOf(name)['lambda:InvokeFunction']?.sort()).toEqual(
      called.map((one) => `\${${functionOf(one).id}.Arn}:*`).sort(),
    );
  });

  it('lets cutover run the migrator and the way back, restore the way back alone, and nobody else a task', () => {
    expect(mayDo('ecs:RunTask')).toEqual({
      cutover: [
        arn('ecs', `task-definition/${stackName}-migrate:*`),
        arn('ecs', `task-definition/${stackName}-rollback:*`),
      ],
      restore: [arn('ecs', `task-definition/${stackName}-rollback:*`)],
    });
  });
});

describe('the rule', () => {
  it('starts restore when cutover has failed, timed out or was stopped, and names the execution to it', () => {
    const { State, EventPattern, Targets } = the('AWS::Events::Rule');
    expect(State).toBe('ENABLED');
    expect(EventPattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [machineOf('cutover').ref], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    });
    expect(Targets.map(({ Arn }: { Arn: string }) => Arn)).toEqual([machineOf('restore').ref]);
    const { InputPathsMap, InputTemplate } = Targets[0].InputTransformer;
    expect(Object.values(InputPathsMap)).toEqual(['$.detail.executionArn']);
    // EventBridge writes the quotes of a text itself.
    const input = InputTemplate.replace(`<${Object.keys(InputPathsMap)[0]}>`, '"arn:of:it"');
    expect(input).toBe('{"execution":"arn:of:it"}');
  });

  it('may start restore, and do nothing else', () => {
    expect(mayOf(RULE)).toEqual({ 'states:StartExecution': [machineOf('restore').ref] });
  });
});

describe('the functions', () => {
  it('stand in the network when they reach the database, and only then', () => {
    const inNetwork = FUNCTION_NAMES.filter((name) => functionOf(name).VpcConfig !== undefined);
    expect(inNetwork).toEqual(FUNCTION_NAMES.filter((name) => FUNCTIONS[name].network === 'database'));
  });

  it('sign in to the database as the verifier where they stand in the network, and may do nothing else there', () => {
    const user = `\${TargetResourceId}/${settings.verifierRole}`;
    for (const name of FUNCTION_NAMES.filter((one) => FUNCTIONS[one].network === 'database')) {
      expect(mayOf(name), name).toEqual({ 'rds-db:connect': [arn('rds-db', `dbuser:${user}`)] });
    }
  });

  it('stop the tasks of the cluster and cancel an update of the stack, on the way back', () => {
    expect(mayOf('assert-quiet')['ecs:StopTask']).toEqual([arn('ecs', `task/${stackName}-cluster/*`)]);
    expect(mayOf('change-stack')['cloudformation:CancelUpdateStack']).toEqual([
      arn('cloudformation', `stack/${stackName}/*`),
    ]);
  });
});

describe('the lock', () => {
  it('stands in a table that outlives the stack', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        KeySchema: [{ AttributeName: 'stackName', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'stackName', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      },
    });
    template.resourceCountIs('AWS::DynamoDB::Table', 1);
  });

  it('is written by one function, read by those that change the relay, and nobody else comes near it', () => {
    const { id, ref } = the('AWS::DynamoDB::Table');
    const near = grants().filter(({ action }) => action.startsWith('dynamodb:'));
    expect(near.map(({ owner, action, resources }) => [owner, action, ...resources]).sort()).toEqual([
      ['assert-quiet', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['change-stack', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['execution-lock', 'dynamodb:GetItem', `\${${id}.Arn}`],
      ['execution-lock', 'dynamodb:PutItem', `\${${id}.Arn}`],
      ['scale-service', 'dynamodb:GetItem', `\${${id}.Arn}`],
    ]);
    const knowing = FUNCTION_NAMES.filter((name) => functionOf(name).Environment?.Variables?.LOCK_TABLE === ref);
    expect(knowing.sort()).toEqual(['assert-quiet', 'change-stack', 'execution-lock', 'scale-service']);
  });

  it('is given by a function that asks for executions of the two machines, and does no more', () => {
    expect(Object.keys(mayOf('execution-lock')).sort()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'states:DescribeExecution',
    ]);
    expect(mayDo('states:DescribeExecution')).toEqual({
      'execution-lock': MACHINE_NAMES.map((name) => arn('states', `execution:${stackName}-${name}:*`)),
    });
  });
});

describe('least privilege', () => {
  it('finds every permission: each role has its owner, one policy, and of AWS what a function needs to run', () => {
    const types = new Set(Object.values(resources).map(({ Type }) => Type));
    const permitting = [...types].filter((type) => type.startsWith('AWS::IAM::') || type.endsWith('Permission'));
    expect(permitting.sort()).toEqual(['AWS::IAM::Policy', 'AWS::IAM::Role']);
    const ownerOf = owners();
    expect(ownerOf.size).toBe(FUNCTION_NAMES.length + MACHINE_NAMES.length + 1);
    expect(
      all('AWS::IAM::Role')
        .map(([id]) => `\${${id}.Arn}`)
        .sort(),
    ).toEqual([...ownerOf.keys()].sort());
    for (const [id, { Properties }] of all('AWS::IAM::Role')) {
      const owner = ownerOf.get(`\${${id}.Arn}`) as FunctionName;
      const network = FUNCTIONS[owner]?.network;
      const managed = [
        ...(network ? ['AWSLambdaBasicExecutionRole'] : []),
        ...(network === 'database' ? ['AWSLambdaVPCAccessExecutionRole'] : []),
      ].map((name) => `arn:\${AWS::Partition}:iam::aws:policy/service-role/${name}`);
      expect(Properties.ManagedPolicyArns ?? [], owner).toEqual(managed);
      expect(Properties.Policies, owner).toBeUndefined();
    }
    const attached = all('AWS::IAM::Policy').flatMap(([, { Properties }]) => Properties.Roles);
    expect(attached.map((role) => role.replace('}', '.Arn}')).sort()).toEqual([...ownerOf.keys()].sort());
  });

  it('names every action', () => {
    expect(grants().filter(({ action }) => !/^[a-z0-9-]+:[A-Za-z]+$/.test(action))).toEqual([]);
  });

  it("names resources of the relay's stack and of its own everywhere but where AWS lets nobody name any", () => {
    const named = new RegExp(`[:/]${stackName}[-/]`);
    const isOwn = (one: string) =>
      named.test(one) ||
      Object.keys(resources).some((id) => [`\${${id}}`, `\${${id}.Arn}`, `\${${id}.Arn}:*`].includes(one)) ||
      one === arn('rds-db', `dbuser:\${TargetResourceId}/${settings.verifierRole}`) ||
      one === arn('events', 'rule/StepFunctionsGetEventsForECSTaskRule') ||
      // Of the bucket itself only this stack's keys are listed.
      one === BUCKET;
    const others = grants().filter((grant) => !grant.resources.every(isOwn));
    expect(new Set(others.flatMap((grant) => grant.resources))).toEqual(new Set(['*']));
    const unnamed = gathered(others.map(({ owner, action }) => [owner, [action]]));
    for (const actions of Object.values(unnamed)) actions.sort();
    // Tracing and log delivery are CDK's own, and know no resources either.
    const logsAndTraces = [
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
    expect(unnamed).toEqual({
      preflight: ['ecs:DescribeTaskDefinition'],
      'change-stack': ['ecs:DeregisterTaskDefinition', 'ecs:DescribeTaskDefinition'],
      'assert-quiet': ['ecs:ListTasks'],
      'health-check': ['ecs:ListTasks'],
      cutover: logsAndTraces,
      restore: logsAndTraces,
    });
  });

  it("lists this stack's keys of the bucket only, so that a key that is not there yet is told from one that is denied", () => {
    const onBucket = grants().filter(({ resources }) => resources.includes(BUCKET));
    expect(onBucket).toEqual([
      {
        owner: 'change-stack',
        action: 's3:ListBucket',
        resources: [BUCKET],
        condition: { StringLike: { 's3:prefix': `${stackName}/*` } },
      },
    ]);
  });

  it('keeps every version of a function: a held execution calls those of its own time', () => {
    for (const [id, version] of all('AWS::Lambda::Version'))
      expect(version, id).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('lists tasks of one cluster only, and passes roles to ECS tasks only', () => {
    const conditions = (wanted: string) =>
      grants().flatMap(({ owner, action, condition }) => (action === wanted ? [[owner, condition]] : []));
    const ofTheCluster = { ArnEquals: { 'ecs:cluster': arn('ecs', `cluster/${stackName}-cluster`) } };
    expect(conditions('ecs:ListTasks')).toEqual([
      ['assert-quiet', ofTheCluster],
      ['health-check', ofTheCluster],
    ]);
    const toTasks = { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } };
    expect(conditions('iam:PassRole')).toEqual([
      ['change-stack', toTasks],
      ['cutover', toTasks],
      ['restore', toTasks],
    ]);
  });
});
