import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutoverStack } from '../infra/cutover-stack.ts';
import { cutoverMachine } from '../statemachine/cutover/cutover.ts';
import { FUNCTIONS, type FunctionName, substitutionKey } from '../statemachine/functions.ts';
import { parseSettings } from '../statemachine/settings.ts';

describe('the CDK app', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'cutover-synth-'));
  const settings = parseSettings();
  let template: Template;

  beforeAll(() => {
    const app = new App({ outdir });
    template = Template.fromStack(new CutoverStack(app, 'cutover', settings));
  });
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));

  it('deploys the very machine that the rehearsal interprets, with a version for every function', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      DefinitionString: JSON.stringify(cutoverMachine(settings)),
      DefinitionSubstitutions: Object.fromEntries(
        (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => [
          substitutionKey(name),
          { Ref: Match.stringLikeRegexp('CurrentVersion') },
        ]),
      ),
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
    });
    template.resourceCountIs('AWS::Lambda::Version', Object.keys(FUNCTIONS).length);
  });

  it('puts the functions that reach the database into the network, and only those', () => {
    const functions = Object.values(template.findResources('AWS::Lambda::Function'));
    const inNetwork = functions.filter(({ Properties }) => Properties.VpcConfig !== undefined);
    expect(inNetwork.map(({ Properties }) => Properties.Description).sort()).toEqual(
      Object.values(FUNCTIONS)
        .filter(({ network }) => network === 'database')
        .map(({ purpose }) => purpose)
        .sort(),
    );
  });

  it('names resources in every statement but those that AWS lets nobody name', () => {
    const unnamed = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(({ Properties }) =>
      Properties.PolicyDocument.Statement.filter(({ Resource }: { Resource: unknown }) => Resource === '*').flatMap(
        ({ Action }: { Action: string | string[] }) => Action,
      ),
    );
    // Tracing and log delivery are CDK's own, and know no resources either.
    expect([...new Set(unnamed)].sort()).toEqual([
      'ecs:DeregisterTaskDefinition',
      'ecs:DescribeTaskDefinition',
      'ecs:ListTasks',
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
    ]);
  });
});
