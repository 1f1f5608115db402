import { CfnOutput, CfnParameter, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from '../statemachine/settings.ts';
import { createAlarms } from './alarms.ts';
import { createArchiveRole } from './archive-role.ts';
import { createArtefactBucket } from './artefact-bucket.ts';
import { createDashboard } from './dashboard.ts';
import { createFunctions } from './functions.ts';
import { createLockTable } from './lock-table.ts';
import { machinePlans } from './machines.ts';
import { createTopic, tellOfSuccess } from './notifications.ts';
import type { RelayParameters } from './relay-arns.ts';
import { storeReports } from './report-rule.ts';
import { createRestoreRule } from './restore-rule.ts';
import { createStandingFunctions } from './standing-functions.ts';
import { createMachine, type Machine } from './state-machine.ts';

export function cutoverStackName({ stackName }: Pick<Settings, 'stackName'>): string {
  return `${stackName}-cutover`;
}

/** Stands beside the relay's own stack and changes it only while an execution runs. */
export class CutoverStack extends Stack {
  constructor(scope: Construct, settings: Settings) {
    super(scope, cutoverStackName(settings), {
      env: { region: settings.region },
      description: `Cutover of ${settings.stackName} to PostgreSQL`,
    });
    const locks = createLockTable(this);
    const artefacts = createArtefactBucket(this);
    const topic = createTopic(this, settings);
    const archiveRole = createArchiveRole(this, settings, artefacts).roleArn;
    const surroundings = { settings, relay: relayParameters(this), locks, artefacts, topic, archiveRole };
    const functions = createFunctions(this, surroundings);
    const storeReport = createStandingFunctions(this, surroundings);
    const machines = machinePlans(settings).map((plan) =>
      createMachine(this, settings, plan, { functions, archiveRole }),
    );
    const stopping = ['cutover', 'rollback'].map((name) => named(machines, name));
    const deadLetters = createRestoreRule(this, stopping, named(machines, 'restore'));
    const unstored = storeReports(this, machines, storeReport);
    tellOfSuccess(this, topic, machines);
    const alarms = createAlarms(this, settings, { machines, deadLetters, unstored, topic });
    createDashboard(this, settings, { machines, alarms, functions: Object.values(functions) });
    for (const { name, start, aliasArn } of machines) {
      const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}StateMachine`;
      new CfnOutput(this, id, { value: aliasArn, description: start });
    }
    new CfnOutput(this, 'Notifications', { value: topic.topicArn, description: 'Subscribe to hear of every ending' });
    new CfnOutput(this, 'Artefacts', {
      value: artefacts.bucketName,
      description:
        "The relay's template as it was before each execution, the report of each, and the archive of SQLite's files",
    });
  }
}

/** `npm run deploy` looks these up in the relay's stack. */
function relayParameters(stack: Stack): RelayParameters {
  const text = (name: string, description: string, fallback?: string): string =>
    new CfnParameter(stack, name, { description, ...(fallback !== undefined && { default: fallback }) }).valueAsString;
  return {
    subnetIds: new CfnParameter(stack, 'SubnetIds', {
      type: 'List<AWS::EC2::Subnet::Id>',
      description: "The relay's subnets",
    }).valueAsList,
    securityGroupId: new CfnParameter(stack, 'SecurityGroupId', {
      type: 'AWS::EC2::SecurityGroup::Id',
      description: 'The security group that PostgreSQL lets in (ECSSecurityGroup)',
    }).valueAsString,
    vpcId: text('VpcId', 'The only VPC in which prepare may make a security group', '*'),
    // `prepare` makes the instance, after this stack: deployed again after it, the functions may sign in to that one alone.
    targetResourceId: text('TargetResourceId', 'DbiResourceId of the instance: IAM names it by this', '*'),
  };
}

function named(machines: Machine[], name: string): Machine {
  return machines.find((machine) => machine.name === name) as Machine;
}
