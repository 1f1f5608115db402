import { Duration, type Stack } from 'aws-cdk-lib';
import { type Alarm, AlarmStatusWidget, Dashboard, GraphWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Version } from 'aws-cdk-lib/aws-lambda';
import type { Settings } from '../statemachine/settings.ts';
import { databaseMetric } from './alarms.ts';
import type { Machine } from './state-machine.ts';

/** One page for the day of a cutover and the week after it. */
export function createDashboard(
  stack: Stack,
  settings: Settings,
  { machines, alarms, functions }: { machines: Machine[]; alarms: Alarm[]; functions: Version[] },
): void {
  const half = { width: 12, height: 6 };
  const period = Duration.minutes(1);
  const dashboard = new Dashboard(stack, 'dashboard', { dashboardName: stack.stackName });
  dashboard.addWidgets(
    new TextWidget({
      width: 24,
      height: 2,
      markdown: `# Cutover of ${settings.stackName}\nAn alarm, or an execution that is held: docs/recovery.md says for every state what to do.`,
    }),
    new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 4, alarms }),
    ...machines.map(
      ({ name, machine }) =>
        new GraphWidget({
          ...half,
          title: `Executions of ${name}`,
          left: [
            machine.metricStarted({ period }),
            machine.metricSucceeded({ period }),
            machine.metricFailed({ period }),
            machine.metricTimedOut({ period }),
            machine.metricAborted({ period }),
          ],
        }),
    ),
    new GraphWidget({
      ...half,
      title: 'Errors of the functions (a poll that is not done yet counts as one)',
      left: functions.map((version) => version.lambda.metricErrors({ period })),
    }),
    new GraphWidget({
      ...half,
      title: 'Free storage of the database',
      left: [databaseMetric(settings.stackName, 'FreeStorageSpace')],
    }),
    new GraphWidget({
      ...half,
      title: 'CPU of the database',
      left: [databaseMetric(settings.stackName, 'CPUUtilization').with({ statistic: 'Average' })],
      right: [databaseMetric(settings.stackName, 'CPUCreditBalance')],
    }),
    new GraphWidget({
      ...half,
      title: 'Connections to the database',
      left: [databaseMetric(settings.stackName, 'DatabaseConnections').with({ statistic: 'Maximum' })],
    }),
  );
}
