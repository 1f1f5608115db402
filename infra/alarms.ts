import { Duration, type Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Settings } from '../statemachine/settings.ts';
import { REMINDER_INTERVAL } from './standing-functions.ts';
import type { Machine } from './state-machine.ts';

interface AlarmPlan {
  title: string;
  /** What it means, and what to do. */
  description: string;
  metric: IMetric;
  threshold: number;
  operator?: ComparisonOperator;
  evaluationPeriods?: number;
}

/** A fifth of the storage is some days of a relay's growth. */
const FREE_STORAGE_SHARE_MIN = 0.2;
/** Of at most 288 for a db.t3.micro: an hour and a half at a third above its share of a CPU. */
const CPU_CREDITS_MIN = 30;

/** Everything that somebody has to hear of; the list is the policy. All go to the topic. */
export function createAlarms(
  stack: Stack,
  settings: Settings,
  {
    machines,
    deadLetters,
    unstored,
    topic,
  }: { machines: Machine[]; deadLetters: Queue; unstored: Queue; topic: Topic },
): Alarm[] {
  const plans = [
    ...machines.flatMap(executionAlarms),
    restoreAlarm(deadLetters),
    reportAlarm(unstored),
    ...waitingAlarms(settings),
    ...databaseAlarms(settings),
  ];
  return plans.map((plan) => {
    const alarm = new Alarm(stack, `${plan.title}-alarm`, {
      alarmDescription: plan.description,
      metric: plan.metric,
      threshold: plan.threshold,
      comparisonOperator: plan.operator ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: plan.evaluationPeriods ?? 1,
      // No execution and no database is no alarm.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    return alarm;
  });
}

function executionAlarms({ name, machine }: Machine): AlarmPlan[] {
  const period = Duration.minutes(1);
  const plan = (ending: string, metric: IMetric): AlarmPlan => ({
    title: `${name}-${ending}`,
    description: `An execution of ${name} ${ending.replaceAll('-', ' ')}. Its last event says why, docs/recovery.md what to do.`,
    metric,
    threshold: 1,
  });
  return [
    plan('failed', machine.metricFailed({ period })),
    plan('timed-out', machine.metricTimedOut({ period })),
    plan('was-aborted', machine.metricAborted({ period })),
  ];
}

function restoreAlarm(deadLetters: Queue): AlarmPlan {
  return {
    title: 'restore-not-started',
    description:
      'A cutover or a rollback ended halfway and restore could not be started: the relay may be down. Start restore with {"execution": "<its ARN>"}.',
    ...anyMessageIn(deadLetters, Duration.minutes(1)),
  };
}

function reportAlarm(unstored: Queue): AlarmPlan {
  return {
    title: 'report-not-stored',
    description:
      'An execution ended, and its report could not be stored. Step Functions knows the execution for 90 days: relay-cutover report <execution> writes it.',
    ...anyMessageIn(unstored, Duration.minutes(5)),
  };
}

function anyMessageIn(queue: Queue, period: Duration): Pick<AlarmPlan, 'metric' | 'threshold'> {
  return {
    metric: queue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
    threshold: 1,
  };
}

/** By the metrics that the function `remind` writes down each time it is called. */
function waitingAlarms({ stackName }: Settings): AlarmPlan[] {
  const metric = (metricName: string): Metric =>
    new Metric({
      namespace: 'RelayCutover',
      metricName,
      dimensionsMap: { Stack: stackName },
      statistic: 'Maximum',
      period: REMINDER_INTERVAL,
    });
  return [
    {
      title: 'held',
      description:
        'An execution is held for an operator, and the relay may be down. Remove the cause and redrive it, or start restore with {"takeOver": true}.',
      metric: metric('Held'),
      threshold: 1,
    },
    {
      title: 'approval-waiting',
      description:
        'A cutover waits for approval. Look at its plan, then approve or reject it: relay-cutover approve, relay-cutover reject.',
      metric: metric('ApprovalWaiting'),
      threshold: 1,
    },
  ];
}

/** For the week of confidence: what a database that was made for a copy may run out of. */
function databaseAlarms({ stackName, database }: Settings): AlarmPlan[] {
  const metric = (metricName: string): Metric => databaseMetric(stackName, metricName);
  const below = { operator: ComparisonOperator.LESS_THAN_THRESHOLD, evaluationPeriods: 3 };
  const storage: AlarmPlan = {
    title: 'database-storage',
    description: `Less than a fifth of the ${database.storageGigabytes} GB is free. Give the instance more storage in the relay's template.`,
    metric: metric('FreeStorageSpace'),
    threshold: database.storageGigabytes * 1024 ** 3 * FREE_STORAGE_SHARE_MIN,
    ...below,
  };
  const credits: AlarmPlan = {
    title: 'database-cpu-credits',
    description: 'The instance uses more CPU than its class earns, and will be slow. Take a larger class.',
    metric: metric('CPUCreditBalance'),
    threshold: CPU_CREDITS_MIN,
    ...below,
  };
  // Only burstable classes have credits.
  return database.instanceClass.startsWith('db.t') ? [storage, credits] : [storage];
}

export function databaseMetric(stackName: string, metricName: string): Metric {
  return new Metric({
    namespace: 'AWS/RDS',
    metricName,
    dimensionsMap: { DBInstanceIdentifier: `${stackName.toLowerCase()}-db` },
    statistic: 'Minimum',
    period: Duration.minutes(5),
  });
}
