import type { Catcher, JsonObject, TaskState } from './asl.ts';
import { literalJson } from './literal-json.ts';
import type { Settings } from './settings.ts';
import { catchAll } from './tasks.ts';

interface MigratorTask {
  comment: string;
  mode: 'load' | 'reconcile' | 'check-reverse' | 'reverse' | 'archive';
  /** Which part of `$plan` names the task definition: `migration` mounts EFS for reading only, `rollback` for writing. */
  plan: 'migration' | 'rollback';
  /** The variable that counts the starts; it becomes part of the run id. */
  attempt: string;
  /** The variable that gets the beginning of the run id, however the task ends: no other run may stand for this one. */
  runIdPrefix: string;
  timeoutSeconds: number | string;
  /** What this mode is told beside the rest. */
  environment?: { Name: string; Value: string }[];
  /** Expression for the role in the place of the relay's own, for what a relay may not do. */
  taskRole?: string;
  /** What is caught before everything else is. */
  caught?: Catcher[];
  /** The variable that remembers a failure; the state that asks the manifest comes next all the same. */
  failure: string;
  next: string;
}

/**
 * Runs the migrator as a task of its own and waits for its end (`ecs:runTask.sync`). What it has to say stands in its
 * manifest, under the run id `<execution>/<redrive>/<mode>-<attempt>.<retry>`: ECS tells of the task only, and the exit codes 1
 * and 2 both arrive as States.TaskFailed. So only failures to start are repeated at once.
 */
export function migratorTask(settings: Settings, task: MigratorTask): TaskState {
  return {
    Type: 'Task',
    Comment: task.comment,
    Resource: 'arn:aws:states:::ecs:runTask.sync',
    Arguments: runTaskArguments(settings, task),
    TimeoutSeconds: task.timeoutSeconds,
    Retry: [
      {
        ErrorEquals: ['ECS.AmazonECSException', 'AmazonECS.Unknown', 'ECS.ServerException', 'ECS.ThrottlingException'],
        IntervalSeconds: 5,
        MaxAttempts: 3,
        BackoffRate: 2,
        MaxDelaySeconds: 60,
        JitterStrategy: 'FULL',
      },
    ],
    Assign: { [task.runIdPrefix]: runIdPrefix(task) },
    // What the migrator has to say about its failure stands in its manifest, not in what ECS tells of the task.
    Catch: [
      ...(task.caught ?? []),
      ...catchAll(task.next, { variable: task.failure, assign: { [task.runIdPrefix]: runIdPrefix(task) } }),
    ],
    Next: task.next,
  };
}

/** `<execution>/<redrive>/<mode>-<attempt>.`, without braces. */
function prefixWords({ mode, attempt }: MigratorTask): string {
  return `$states.context.Execution.Name & "/" & $string($states.context.Execution.RedriveCount) & "/${mode}-" & $string($${attempt}) & "."`;
}

function runIdPrefix(task: MigratorTask): string {
  return `{% ${prefixWords(task)} %}`;
}

/** Every mode opens the SQLite file, and all have to agree on what its tables are. */
function tableChoice({ excludeTables, genericTables }: Settings): { Name: string; Value: string }[] {
  return [
    { Name: 'CUTOVER_EXCLUDE_TABLES', Value: literalJson(excludeTables) },
    { Name: 'CUTOVER_GENERIC_TABLES', Value: literalJson(genericTables) },
  ].filter(({ Value }) => Value !== '[]');
}

function runTaskArguments(settings: Settings, task: MigratorTask): JsonObject {
  const { mode, plan, environment = [], taskRole } = task;
  // Only the way back may delete, and only when a person has said so.
  const allowance =
    mode === 'reverse' || mode === 'check-reverse'
      ? [{ Name: 'CUTOVER_ALLOW_DELETIONS', Value: '{% $allowDeletions ? "1" : "" %}' }]
      : [];
  const quarantine =
    settings.quarantine && (mode === 'load' || mode === 'reconcile')
      ? [{ Name: 'CUTOVER_QUARANTINE', Value: '1' }]
      : [];
  return {
    Cluster: '{% $plan.cluster %}',
    TaskDefinition: `{% $plan.${plan}.taskDefinition %}`,
    LaunchType: 'FARGATE',
    PlatformVersion: '1.4.0',
    NetworkConfiguration: {
      AwsvpcConfiguration: {
        Subnets: '{% $plan.migration.subnets[] %}',
        SecurityGroups: '{% $plan.migration.securityGroups[] %}',
        AssignPublicIp: 'ENABLED',
      },
    },
    Overrides: {
      ...(taskRole !== undefined && { TaskRoleArn: taskRole }),
      ContainerOverrides: [
        {
          Name: settings.names.migrationContainer,
          Command: [mode],
          Environment: [
            {
              Name: 'CUTOVER_RUN_ID',
              Value: `{% ${prefixWords(task)} & $string($states.context.State.RetryCount) %}`,
            },
            { Name: 'CUTOVER_VERIFIER_ROLE', Value: settings.verifierRole },
            ...allowance,
            ...quarantine,
            ...tableChoice(settings),
            ...environment,
          ],
        },
      ],
    },
  };
}
