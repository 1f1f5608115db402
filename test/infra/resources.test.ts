import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/remind.ts';
import { answerFunctionName, FUNCTIONS } from '../../statemachine/functions.ts';
import {
  ALL_FUNCTION_NAMES,
  all,
  FUNCTION_NAMES,
  functionOf,
  MACHINE_NAMES,
  machineOf,
  resources,
  settings,
  template,
  the,
} from '../support/synthesized.ts';

const KEPT = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' };
const denied = (resource: string) => ({
  Effect: 'Deny',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  Resource: expect.anything(),
  Principal: { AWS: '*' },
  Action: resource,
});

describe('the functions', () => {
  it('stand in the network when they reach the database, and only then', () => {
    const inNetwork = FUNCTION_NAMES.filter((name) => functionOf(name).VpcConfig !== undefined);
    expect(inNetwork).toEqual(FUNCTION_NAMES.filter((name) => FUNCTIONS[name].network === 'database'));
  });

  it('run on Node 24 on arm64 with stack traces of the source, and each writes to a log of its own that stays', () => {
    const logs = ALL_FUNCTION_NAMES.map((name) => {
      const lambda = functionOf(name);
      expect(lambda, name).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Environment: { Variables: { NODE_OPTIONS: '--enable-source-maps' } },
      });
      return lambda.LoggingConfig.LogGroup.slice(2, -1) as string;
    });
    expect(new Set(logs).size).toBe(ALL_FUNCTION_NAMES.length);
    for (const id of logs) expect(resources[id]).toMatchObject({ ...KEPT, Properties: { RetentionInDays: 365 } });
  });

  it('know the lock where they change the relay, the bucket where they change the stack, the role where they sign in', () => {
    const knowing = (variable: string) =>
      ALL_FUNCTION_NAMES.filter((name) => functionOf(name).Environment.Variables[variable] !== undefined).sort();
    expect(knowing('LOCK_TABLE')).toEqual([
      ...['answer-approval', 'assert-quiet', 'change-stack', 'delete-file-system', 'execution-lock', 'finalize-stack'],
      ...['prepare-stack', 'remind', 'request-approval', 'scale-service'],
    ]);
    expect(knowing('TOPIC_ARN')).toEqual(['remind', 'request-approval']);
    expect(functionOf('remind').Environment.Variables.STACK_NAME).toBe(settings.stackName);
    expect(knowing('ARTEFACT_BUCKET')).toEqual(['change-stack', 'finalize-stack', 'prepare-stack', 'store-report']);
    expect(functionOf('store-report').Environment.Variables.STACK_NAME).toBe(settings.stackName);
    expect(knowing('ARCHIVE_BUCKET')).toEqual(['preflight-finalize']);
    expect(knowing('VERIFIER_ROLE')).toEqual(['authority', 'read-manifest', 'verify-counts']);
  });

  it('answer a person by a name that the command knows', () => {
    expect(functionOf('answer-approval').FunctionName).toBe(answerFunctionName(settings.stackName));
    const named = ALL_FUNCTION_NAMES.filter((name) => functionOf(name).FunctionName !== undefined);
    expect(named).toEqual(['answer-approval']);
  });

  it('remind every five minutes', () => {
    const [rule] = all('AWS::Events::Rule').filter(([, { Properties }]) => Properties.ScheduleExpression);
    expect(rule?.[1].Properties).toMatchObject({
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
      Targets: [{ Arn: `\${${functionOf('remind').id}.Arn}`, RetryPolicy: { MaximumRetryAttempts: 0 } }],
    });
  });

  it('store the report of every execution at its end, whichever, and what fails is repeated and then kept', () => {
    const { ref } = functionOf('store-report');
    const arn = `\${${functionOf('store-report').id}.Arn}`;
    const [rule] = all('AWS::Events::Rule').filter(([, { Properties }]) => Properties.Targets[0].Arn === arn);
    const [queue] = all('AWS::SQS::Queue').filter(([id]) => id.startsWith('reportnotstored'));
    const unstored = `\${${queue?.[0]}.Arn}`;
    expect(rule?.[1].Properties).toMatchObject({
      EventPattern: {
        'detail-type': ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: MACHINE_NAMES.map((name) => machineOf(name).ref).flatMap((one) => [
            one,
            { prefix: `${one}:` },
          ]),
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
      Targets: [
        {
          DeadLetterConfig: { Arn: unstored },
          RetryPolicy: { MaximumRetryAttempts: 8, MaximumEventAgeInSeconds: 21_600 },
        },
      ],
    });
    expect(the('AWS::Lambda::EventInvokeConfig')).toMatchObject({
      FunctionName: ref,
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: unstored } },
    });
  });

  it('keep every version: a held execution calls those of its own time', () => {
    for (const [id, version] of all('AWS::Lambda::Version')) expect(version, id).toMatchObject(KEPT);
  });
});

describe('the lock', () => {
  it('stands in a table of a fixed name that outlives the stack', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      ...KEPT,
      Properties: {
        TableName: `${settings.stackName}-cutover-locks`,
        KeySchema: [{ AttributeName: 'stackName', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'stackName', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'timeToLive', Enabled: true },
      },
    });
    template.resourceCountIs('AWS::DynamoDB::Table', 1);
  });
});

describe('the artefact bucket', () => {
  it('is encrypted, versioned and private, outlives the stack, and answers over TLS only', () => {
    template.hasResource('AWS::S3::Bucket', {
      ...KEPT,
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: {
          Rules: [
            {
              Status: 'Enabled',
              NoncurrentVersionExpiration: { NoncurrentDays: 90 },
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
            },
          ],
        },
      },
    });
    expect(the('AWS::S3::BucketPolicy').PolicyDocument.Statement).toEqual([denied('s3:*')]);
  });
});

describe('the topic', () => {
  it('hears of alarms and successes, over TLS only, and mails to whom the settings name', () => {
    const { id, ref } = the('AWS::SNS::Topic');
    const statements = the('AWS::SNS::TopicPolicy').PolicyDocument.Statement;
    expect(
      statements.map(({ Effect, Principal, Action }: Record<string, unknown>) => [Effect, Principal, Action]),
    ).toEqual([
      ['Deny', '*', 'sns:Publish'],
      ['Allow', { Service: 'cloudwatch.amazonaws.com' }, 'sns:Publish'],
      ['Allow', { Service: 'events.amazonaws.com' }, 'sns:Publish'],
    ]);
    expect(the('AWS::SNS::Subscription')).toMatchObject({
      Protocol: 'email',
      Endpoint: 'operator@example.org',
      TopicArn: ref,
    });
    for (const [alarm, { Properties }] of all('AWS::CloudWatch::Alarm'))
      expect(Properties.AlarmActions, alarm).toEqual([`\${${id}}`]);
    const success = all('AWS::Events::Rule').find(([, { Properties }]) => Properties.Targets[0].Arn === ref);
    expect(success?.[1].Properties.EventPattern.detail).toEqual({
      stateMachineArn: MACHINE_NAMES.map((name) => machineOf(name).ref).flatMap((one) => [one, { prefix: `${one}:` }]),
      status: ['SUCCEEDED'],
    });
  });
});

describe('the alarms', () => {
  const watching = (namespace: string) =>
    all('AWS::CloudWatch::Alarm')
      .map(([, { Properties }]) => Properties)
      .filter(({ Namespace }) => Namespace === namespace);

  it('watch every bad ending of every machine', () => {
    const watched = watching('AWS/States').map(({ MetricName, Dimensions, Threshold, Period, Statistic }) => [
      Dimensions[0].Value,
      MetricName,
      Statistic,
      Threshold,
      Period,
    ]);
    const expected = MACHINE_NAMES.flatMap((name) =>
      ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((metric) => [
        machineOf(name).ref,
        metric,
        'Sum',
        1,
        60,
      ]),
    );
    expect(watched.sort()).toEqual(expected.sort());
  });

  it('tell when restore could not be started, and when a report could not be stored', () => {
    const queueOf = (beginning: string) => all('AWS::SQS::Queue').find(([id]) => id.startsWith(beginning))?.[0];
    expect(watching('AWS/SQS')).toMatchObject(
      ['restorenotstarted', 'reportnotstored'].map((beginning) => ({
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Dimensions: [{ Name: 'QueueName', Value: `\${${queueOf(beginning)}.QueueName}` }],
        Threshold: 1,
      })),
    );
  });

  it('tell of what waits for a person, by the metrics that the reminder writes', async () => {
    const lines: string[] = [];
    await createHandler({
      stackName: settings.stackName,
      locks: { read: async () => undefined },
      approvals: { read: async () => undefined },
      publish: async () => {},
      log: (line) => lines.push(line),
      now: () => new Date(),
    })();
    const { _aws, Stack } = JSON.parse(lines[0] as string);
    const [{ Namespace, Metrics }] = _aws.CloudWatchMetrics;
    const watched = watching(Namespace).map(({ MetricName, Dimensions, Statistic, Threshold, Period }) => {
      expect([Dimensions, Statistic, Threshold, Period]).toEqual([
        [{ Name: 'Stack', Value: Stack }],
        'Maximum',
        1,
        300,
      ]);
      return MetricName;
    });
    expect(watched).toEqual(Metrics.map(({ Name }: { Name: string }) => Name));
  });

  it("watch the database's storage and its CPU credits", () => {
    const watched = watching('AWS/RDS').map(({ MetricName, Dimensions, Threshold, ComparisonOperator }) => [
      MetricName,
      Dimensions[0].Value,
      ComparisonOperator,
      Threshold,
    ]);
    expect(watched).toEqual([
      ['FreeStorageSpace', 'sphere-zooid-relay-db', 'LessThanThreshold', 4 * 1024 ** 3],
      ['CPUCreditBalance', 'sphere-zooid-relay-db', 'LessThanThreshold', 30],
    ]);
  });
});
