import { CfnOutput, CfnParameter, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from '../statemachine/settings.ts';
import { createFunctions } from './functions.ts';
import { createLockTable } from './lock-table.ts';
import type { RelayParameters } from './relay-stack.ts';
import { createMachines } from './state-machine.ts';

/** Stands beside the relay's own stack and changes it only while an execution runs. */
export class CutoverStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, {
      env: { region: settings.region },
      description: `Cutover of ${settings.stackName} to PostgreSQL`,
    });
    const parameter = (name: string, description: string, type = 'String', fallback?: string): CfnParameter =>
      new CfnParameter(this, name, { type, description, ...(fallback !== undefined && { default: fallback }) });
    const relay: RelayParameters = {
      subnetIds: parameter('SubnetIds', "The relay's subnets", 'List<AWS::EC2::Subnet::Id>').valueAsList,
      securityGroupId: parameter(
        'SecurityGroupId',
        'The security group that PostgreSQL lets in (ECSSecurityGroup)',
        'AWS::EC2::SecurityGroup::Id',
      ).valueAsString,
      targetHost: parameter('TargetHost', "PostgreSQL's address (output RDSEndpoint)").valueAsString,
      targetPort: parameter('TargetPort', "PostgreSQL's port", 'String', '5432').valueAsString,
      targetDatabase: parameter('TargetDatabase', 'Name of the database', 'String', 'zooid').valueAsString,
      targetResourceId: parameter('TargetResourceId', 'DbiResourceId of the instance: IAM names it by this')
        .valueAsString,
      artefactBucket: parameter('ArtefactBucket', 'Bucket for the original template and parameter values')
        .valueAsString,
    };
    const functions = createFunctions(this, settings, relay, createLockTable(this));
    const { cutover, restore } = createMachines(this, settings, functions);
    new CfnOutput(this, 'CutoverStateMachine', { value: cutover.stateMachineArn, description: 'Start it with {}' });
    new CfnOutput(this, 'RestoreStateMachine', {
      value: restore.stateMachineArn,
      description: 'Starts by itself; start it with {"takeOver": true} to give up a cutover that is held',
    });
  }
}
