import { expression, type JsonObject, type MapState, type States } from '../asl.ts';
import { functionPlaceholder } from '../functions.ts';
import type { Settings } from '../settings.ts';
import { CAUSE, catchAll, invoke, RETRY_PASSING_ERRORS } from '../tasks.ts';

/** Runbook steps 5b and 5c: bring over what the load does not have yet, and prove that nothing differs. */
export function copyAndVerifyStates(settings: Settings, onFailure: string): States {
  return {
    RunMigrator: {
      Type: 'Task',
      Comment: 'Compare every row and make the target exactly equal (migrator, mode reconcile)',
      Resource: 'arn:aws:states:::ecs:runTask.sync',
      Arguments: runTaskArguments(settings),
      TimeoutSeconds: settings.migratorTimeoutSeconds,
      // Only failures to start are repeated at once: the exit codes 1 and 2 both arrive as States.TaskFailed.
      Retry: [
        {
          ErrorEquals: [
            'ECS.AmazonECSException',
            'AmazonECS.Unknown',
            'ECS.ServerException',
            'ECS.ThrottlingException',
          ],
          IntervalSeconds: 5,
          MaxAttempts: 3,
          BackoffRate: 2,
          MaxDelaySeconds: 60,
          JitterStrategy: 'FULL',
        },
      ],
      // What the migrator has to say about its failure stands in its manifest, not in what ECS tells of the task.
      Catch: catchAll('ReadManifest'),
      Next: 'ReadManifest',
    },
    ReadManifest: invoke(
      'read-manifest',
      {
        runIdPrefix: '{% $states.context.Execution.Name & "/" %}',
        samples: '{% $samples[] %}',
        // A task that never reached the target left no word there, but ECS may know why.
        taskFailure: '{% $failure = null ? null : $failure.error & ": " & $failure.cause %}',
      },
      {
        comment: "Read the migrator's own account of its run; go on only when it says verified",
        // A sample that was deleted before the stop proves nothing any more.
        assign: { manifest: '{% $states.result.Payload %}', samples: '{% $states.result.Payload.samples[] %}' },
        onFailure,
        next: 'VerifyCounts',
      },
    ),
    VerifyCounts: verifyMap(settings, onFailure),
    AssertQuiet: invoke('assert-quiet', assertQuietPayload(settings), {
      comment: 'No task of the relay has run since the stop, and nobody else has changed the stack',
      onFailure,
      next: 'Verdict',
    }),
    Verdict: {
      Type: 'Choice',
      Comment: 'All tables must be verified, and there must be tables',
      Choices: [
        {
          Condition:
            '{% $count($manifest.tables) > 0 and $count($verdicts[verdict = "verified"]) = $count($manifest.tables) %}',
          Next: 'ProposeSwitch',
        },
      ],
      Default: 'VerificationFailed',
    },
    VerificationFailed: {
      Type: 'Pass',
      Comment: 'Say which tables differ, and take the way back',
      Assign: {
        failure: {
          state: 'VerifyCounts',
          error: 'VerificationFailed',
          // A Pass has no Catch, so there is an answer for the case that cannot be.
          cause: expression(`(
            $wrong := $verdicts[verdict != "verified"].(table & ": " & $join(findings, "; "));
            $exists($wrong) ? $substring($join($wrong, " | "), 0, 10000) : "there is not one verdict for each table"
          )`),
        },
      },
      Next: onFailure,
    },
  };
}

/** The payload of `AssertQuiet` and `AssertStillQuiet`. */
export function assertQuietPayload(settings: Settings): JsonObject {
  return {
    action: 'assert',
    cluster: '{% $plan.cluster %}',
    family: '{% $plan.family %}',
    since: '{% $stopped.stoppedAt %}',
    stackName: settings.stackName,
    stackChange: '{% $stackChange %}',
  };
}

function runTaskArguments(settings: Settings): JsonObject {
  return {
    Cluster: '{% $plan.cluster %}',
    TaskDefinition: '{% $plan.migration.taskDefinition %}',
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
          Command: ['reconcile'],
          Environment: [
            {
              Name: 'CUTOVER_RUN_ID',
              Value:
                '{% $states.context.Execution.Name & "/" & $string($states.context.Execution.RedriveCount) & "/" & $string($states.context.State.RetryCount) %}',
            },
            { Name: 'CUTOVER_VERIFIER_ROLE', Value: settings.verifierRole },
          ],
        },
      ],
    },
  };
}

/** The iterations never fail: a redrive reruns only failed ones and would keep the stale verdicts of the others. */
function verifyMap(settings: Settings, onFailure: string): MapState {
  return {
    Type: 'Map',
    Comment: 'Compute rows and digest of every table in the target afresh and compare them with the source',
    Items: '{% $manifest.tables[] %}',
    MaxConcurrency: settings.verifyConcurrency,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: 'VerifyTable',
      States: {
        VerifyTable: {
          Type: 'Task',
          Comment: 'One table: rows, digest, ids by NIP-01, search, signatures of a sample',
          Resource: 'arn:aws:states:::lambda:invoke',
          Arguments: { FunctionName: functionPlaceholder('verify-counts'), Payload: '{% $states.input %}' },
          TimeoutSeconds: settings.verifyTimeoutSeconds,
          Retry: RETRY_PASSING_ERRORS,
          Catch: [
            {
              ErrorEquals: ['States.ALL'],
              Output: {
                table: '{% $states.input.table %}',
                verdict: 'unknown',
                findings: [
                  expression(
                    `"could not be verified: " & ($exists($states.errorOutput.Error) ? $states.errorOutput.Error & ": " : "") & ${CAUSE}`,
                  ),
                ],
              },
              Next: 'NotVerified',
            },
          ],
          Output: '{% $states.result.Payload %}',
          End: true,
        },
        NotVerified: { Type: 'Pass', Comment: 'A table without a verdict counts as not verified', End: true },
      },
    },
    Assign: { verdicts: '{% $states.result[] %}' },
    Catch: catchAll(onFailure),
    Next: 'AssertQuiet',
  };
}
