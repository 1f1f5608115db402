import type { Catcher, JsonObject, TaskState } from './asl.ts';
import type { Settings } from './settings.ts';

interface MigratorTask {
  comment: string;
  mode: 'reconcile' | 'reverse';
  /** Which part of `$plan` names the task definition: `migration` mounts EFS for reading only, `rollback` for writing. */
  plan: 'migration' | 'rollback';
  /** The variable that counts the starts; it becomes part of the run id. */
  attempt: string;
  timeoutSeconds: number | string;
  caught: Catcher[];
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
    Catch: task.caught,
    Next: task.next,
  };
}

function runTaskArguments(settings: Settings, { mode, plan, attempt }: MigratorTask): JsonObject {
  const { Name, RedriveCount, RetryCount } = {
    Name: '$states.context.Execution.Name',
    RedriveCount: '$string($states.context.Execution.RedriveCount)',
    RetryCount: '$string($states.context.State.RetryCount)',
  };
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
      ContainerOverrides: [
        {
          Name: settings.names.migrationContainer,
          Command: [mode],
          Environment: [
            {
              Name: 'CUTOVER_RUN_ID',
              Value: `{% ${Name} & "/" & ${RedriveCount} & "/${mode}-" & $string($${attempt}) & "." & ${RetryCount} %}`,
            },
            { Name: 'CUTOVER_VERIFIER_ROLE', Value: settings.verifierRole },
          ],
        },
      ],
    },
  };
}
