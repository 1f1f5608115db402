import type { Stack } from 'aws-cdk-lib';
import type { Settings } from '../statemachine/settings.ts';
import type { Grant, Named, Wide } from './grants.ts';

/** What the stack has to be told about the relay's own stack; each a parameter that `npm run deploy` fills in. */
export interface RelayParameters {
  subnetIds: string[];
  securityGroupId: string;
  /** `*` as long as there is no database. */
  vpcId: string;
  targetResourceId: string;
}

const IDS = 'AWS makes the last part of these ARNs up; the part before it names the stack';
const REVISIONS = 'Every change of a task definition is a new revision of its family';

/** ARNs of what belongs to the relay's stack and its cutover. The names behind them are made from the stack's own name. */
export function relayArns(stack: Stack, settings: Settings) {
  const { stackName, names } = settings;
  const arn = (service: string, resource: string): string =>
    `arn:${stack.partition}:${service}:${stack.region}:${stack.account}:${resource}`;
  const wide = (service: string, resource: string, why = IDS): Wide => ({ arn: arn(service, resource), why });
  // IAM is in no region.
  const role = (name: string): string => `arn:${stack.partition}:iam::${stack.account}:role/${name}`;
  const ofTasks = (logicalId: string): Wide => ({ arn: role(`${stackName}-${logicalId}-*`), why: IDS });
  const family = (name: string): Wide => wide('ecs', `task-definition/${stackName}-${name}:*`, REVISIONS);
  return {
    arn,
    wide,
    role,
    stack: wide('cloudformation', `stack/${stackName}/*`),
    cluster: arn('ecs', `cluster/${stackName}-cluster`),
    service: wide('ecs', `service/${stackName}-cluster/${stackName}-*`, "The relay's template names its service"),
    tasks: wide('ecs', `task/${stackName}-cluster/*`),
    /** Of the relay and of the migrator; only their families are known before they are registered. */
    taskDefinitions: wide('ecs', `task-definition/${stackName}-*`, REVISIONS),
    migration: family('migrate'),
    rollback: family('rollback'),
    targetGroup: wide('elasticloadbalancing', `targetgroup/${stackName}-*/*`),
    executionRole: ofTasks(names.executionRole),
    taskRole: ofTasks(names.taskRole),
    database: arn('rds', `db:${stackName.toLowerCase()}-db`),
    secrets: [names.databasePassword, names.databaseUrlSecret].map((name) =>
      wide('secretsmanager', `secret:${name}-*`),
    ),
    executions: (machine: string): Wide => wide('states', `execution:${stackName}-${machine}:*`),
  };
}

export type RelayArns = ReturnType<typeof relayArns>;

/** Only to tasks, and only the roles that the relay's stack has for them. */
export function passTaskRoles(arns: RelayArns): Grant {
  return passToTasks([arns.executionRole, arns.taskRole]);
}

export function passToTasks(roles: Named[]): Grant {
  return {
    actions: ['iam:PassRole'],
    resources: roles,
    conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
  };
}
