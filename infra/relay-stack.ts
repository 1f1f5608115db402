import type { Stack } from 'aws-cdk-lib';
import type { Settings } from '../statemachine/settings.ts';

/** What the stack has to be told about the relay's own stack. */
export interface RelayParameters {
  subnetIds: string[];
  securityGroupId: string;
  targetHost: string;
  targetPort: string;
  targetDatabase: string;
  targetResourceId: string;
  artefactBucket: string;
}

/** ARNs of what belongs to the relay's stack and its cutover. The names behind them are made from the stack's own name. */
export function relayArns(stack: Stack, { stackName }: Settings) {
  const arn = (service: string, resource: string): string =>
    `arn:${stack.partition}:${service}:${stack.region}:${stack.account}:${resource}`;
  return {
    stack: arn('cloudformation', `stack/${stackName}/*`),
    cluster: arn('ecs', `cluster/${stackName}-cluster`),
    service: arn('ecs', `service/${stackName}-cluster/${stackName}-*`),
    tasks: arn('ecs', `task/${stackName}-cluster/*`),
    taskDefinitions: arn('ecs', `task-definition/${stackName}-*`),
    migrationTaskDefinition: arn('ecs', `task-definition/${stackName}-migrate:*`),
    rollbackTaskDefinition: arn('ecs', `task-definition/${stackName}-rollback:*`),
    executions: ['cutover', 'restore'].map((machine) => arn('states', `execution:${stackName}-${machine}:*`)),
    roles: `arn:${stack.partition}:iam::${stack.account}:role/${stackName}-*`,
  };
}
