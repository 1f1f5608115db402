import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { ClientConfiguration } from './cloud.ts';

/** A stream of one container's log in CloudWatch Logs. */
interface LogStream {
  group: string;
  name: string;
  /** Where the next page begins. */
  token?: string;
}

/** Reads what the migrator's tasks have written since it was asked the last time. */
export interface MigratorTail {
  /** Learns of tasks from the history. */
  see(events: HistoryEvent[]): void;
  /** New lines, oldest first. Rejects with what AWS says. */
  read(): Promise<string[]>;
}

/**
 * Follows the log of the migrator's newest task: the history names a task when it is submitted, its task definition names
 * group and prefix of its log. Source: ECS developer guide, "awslogs log driver" (`prefix/container/task id`).
 */
export function createMigratorTail(configuration: ClientConfiguration): MigratorTail {
  let submitted: SubmittedTask | undefined;
  let streams: LogStream[] = [];
  let client: CloudWatchLogsClient | undefined;
  return {
    see(events) {
      // The state machines run tasks of the migrator only, one after another; an earlier one writes nothing any more.
      submitted = events.flatMap(tasksIn).at(-1) ?? submitted;
    },
    async read() {
      if (submitted) {
        streams = await streamsOf(submitted, configuration);
        submitted = undefined;
      }
      const lines: string[] = [];
      for (const stream of streams) {
        client ??= await openLogs(configuration);
        lines.push(...(await newLines(stream, client)));
      }
      return lines;
    },
  };
}

interface SubmittedTask {
  taskId: string;
  taskDefinitionArn: string;
}

function tasksIn({ type, taskSubmittedEventDetails: submitted }: HistoryEvent): SubmittedTask[] {
  if (type !== 'TaskSubmitted' || submitted?.resourceType !== 'ecs') return [];
  const { Tasks = [] } = JSON.parse(submitted.output ?? '{}') as {
    Tasks?: { TaskArn: string; TaskDefinitionArn: string }[];
  };
  return Tasks.map(({ TaskArn, TaskDefinitionArn }) => ({
    taskId: TaskArn.split('/').at(-1) ?? '',
    taskDefinitionArn: TaskDefinitionArn,
  }));
}

async function streamsOf(
  { taskId, taskDefinitionArn }: SubmittedTask,
  configuration: ClientConfiguration,
): Promise<LogStream[]> {
  const { ECSClient, DescribeTaskDefinitionCommand } = await import('@aws-sdk/client-ecs');
  const ecs = new ECSClient(configuration);
  const { taskDefinition } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: taskDefinitionArn }));
  return (taskDefinition?.containerDefinitions ?? []).flatMap(({ name, logConfiguration }) => {
    const { 'awslogs-group': group, 'awslogs-stream-prefix': prefix } = logConfiguration?.options ?? {};
    return group && prefix ? [{ group, name: `${prefix}/${name}/${taskId}` }] : [];
  });
}

async function openLogs(configuration: ClientConfiguration): Promise<CloudWatchLogsClient> {
  const { CloudWatchLogsClient: Client } = await import('@aws-sdk/client-cloudwatch-logs');
  return new Client(configuration);
}

async function newLines(stream: LogStream, client: CloudWatchLogsClient): Promise<string[]> {
  const { GetLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const lines: string[] = [];
  for (;;) {
    const page = await client
      .send(
        new GetLogEventsCommand({
          logGroupName: stream.group,
          logStreamName: stream.name,
          startFromHead: true,
          ...(stream.token !== undefined && { nextToken: stream.token }),
        }),
      )
      .catch((error: Error) => {
        // The stream is made by the container's first word.
        if (error.name === 'ResourceNotFoundException') return undefined;
        throw error;
      });
    lines.push(...(page?.events ?? []).map(({ message = '' }) => message));
    // The end of the stream gives the token back that it was asked with.
    if (page?.nextForwardToken === undefined || page.nextForwardToken === stream.token) return lines;
    stream.token = page.nextForwardToken;
  }
}
