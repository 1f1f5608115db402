import { describe, expect, it } from 'vitest';
import { createClock } from '../../rehearsal/clock.ts';
import { functionArn } from '../../rehearsal/names.ts';
import { createStepFunctions, type MachineName } from '../../rehearsal/step-functions.ts';
import type { StateMachine } from '../../statemachine/asl.ts';
import { substitutionKey } from '../../statemachine/functions.ts';
import { allStates } from '../statemachine/graph.ts';
import {
  ALL_FUNCTION_NAMES,
  all,
  FUNCTION_NAMES,
  functionOf,
  grantsOf,
  MACHINE_NAMES,
  machineOf,
  mayOf,
  plain,
  resources,
  restoreRule,
  settings,
  template,
  the,
  versionOf,
} from '../support/synthesized.ts';

describe('the state machines', () => {
  /** The definition that the rehearsal gives to its interpreter. */
  function interpreted(name: string): StateMachine {
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
    }).start(name as MachineName, {});
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
      const called = new Map(FUNCTION_NAMES.map((one) => [versionOf(one).ref, functionArn(settings.region, one)]));
      const deployed = machine.DefinitionString.replace(placeholder, (_: string, key: string) =>
        called.get(machine.DefinitionSubstitutions[key]),
      );
      expect(JSON.parse(deployed)).toEqual(interpreted(name));
    },
  );

  it('call every function between them, and have one version of each', () => {
    expect(all('AWS::StepFunctions::StateMachine')).toHaveLength(MACHINE_NAMES.length);
    expect(all('AWS::Lambda::Function')).toHaveLength(ALL_FUNCTION_NAMES.length);
    expect(all('AWS::Lambda::Version')).toHaveLength(FUNCTION_NAMES.length);
    const called = MACHINE_NAMES.flatMap((name) => Object.values(machineOf(name).DefinitionSubstitutions));
    const uncalled = FUNCTION_NAMES.filter((name) => !called.includes(versionOf(name).ref));
    expect(uncalled).toEqual([]);
  });

  it.each(MACHINE_NAMES)('are started by an alias that points to the newest version of %s; older ones stay', (name) => {
    const machine = machineOf(name);
    const version = the('AWS::StepFunctions::StateMachineVersion', { StateMachineArn: machine.ref });
    expect(version.StateMachineRevisionId).toBe(`\${${machine.id}.StateMachineRevisionId}`);
    expect(resources[version.id]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    const pointing = all('AWS::StepFunctions::StateMachineAlias').filter(
      ([, { Properties }]) => Properties.RoutingConfiguration[0].StateMachineVersionArn === `\${${version.id}.Arn}`,
    );
    expect(pointing.map(([, { Properties }]) => Properties)).toEqual([
      { Name: 'live', RoutingConfiguration: [{ StateMachineVersionArn: `\${${version.id}.Arn}`, Weight: 100 }] },
    ]);
    const outputs = Object.values(plain(template.toJSON().Outputs) as Record<string, { Value: string }>);
    expect(outputs.map(({ Value }) => Value)).toContain(`\${${pointing[0]?.[0]}.Arn}`);
  });

  /** Step Functions developer guide, "IAM policies for calling Amazon ECS" and "AWS SDK integrations". */
  const NEEDED: Record<string, string[]> = {
    'arn:aws:states:::lambda:invoke': ['lambda:InvokeFunction'],
    'arn:aws:states:::lambda:invoke.waitForTaskToken': ['lambda:InvokeFunction'],
    'arn:aws:states:::aws-sdk:ecs:describeServices': ['ecs:DescribeServices'],
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
});

describe('the restore rule', () => {
  it('starts restore by its alias when cutover or rollback has failed, timed out or was stopped, and names the execution to it', () => {
    const { State, EventPattern, Targets } = restoreRule();
    expect(State).toBe('ENABLED');
    const [cutover, rollback] = [machineOf('cutover').ref, machineOf('rollback').ref];
    expect(EventPattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        stateMachineArn: [cutover, { prefix: `${cutover}:` }, rollback, { prefix: `${rollback}:` }],
        status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
      },
    });
    expect(Targets.map(({ Arn }: { Arn: string }) => Arn)).toEqual([`\${restorealias.Arn}`]);
    const { InputPathsMap, InputTemplate } = Targets[0].InputTransformer;
    expect(Object.values(InputPathsMap)).toEqual(['$.detail.executionArn']);
    // EventBridge writes the quotes of a text itself.
    const input = InputTemplate.replace(`<${Object.keys(InputPathsMap)[0]}>`, '"arn:of:it"');
    expect(input).toBe('{"execution":"arn:of:it"}');
  });

  it('tries for an hour, and then leaves the event in a queue into which nobody else writes', () => {
    const { Targets } = restoreRule();
    const [id, queue] = all('AWS::SQS::Queue').find(([name]) => name.startsWith('restorenotstarted')) ?? [];
    expect(Targets[0]).toMatchObject({
      RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 185 },
      DeadLetterConfig: { Arn: `\${${id}.Arn}` },
    });
    expect(queue?.Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 86_400 });
    const policies = all('AWS::SQS::QueuePolicy').map(([, { Properties }]) => Properties);
    const { PolicyDocument } = policies.find(({ Queues }) => Queues[0] === `\${${id}}`) ?? {};
    const [rule] = all('AWS::Events::Rule').find(([, { Properties }]) => Properties.Targets[0].RoleArn) ?? [];
    expect(PolicyDocument.Statement.filter(({ Effect }: { Effect: string }) => Effect === 'Allow')).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: `\${${id}.Arn}`,
        Condition: { ArnEquals: { 'aws:SourceArn': `\${${rule}.Arn}` } },
      },
    ]);
  });
});
