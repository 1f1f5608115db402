import { setTimeout as pause } from 'node:timers/promises';
import type { Json, JsonObject } from '../statemachine/asl.ts';
import type { LocalEcs } from './ecs/local-ecs.ts';
import { toCamelCase, toPascalCase } from './ecs/providers.ts';
import { type Integration, type TaskCall, TaskFailure } from './interpreter/execution.ts';

export type Handler = (event: never) => Promise<unknown>;

const TASK_POLL_MILLISECONDS = 20;

/**
 * What stands behind the Task states of the rehearsal: Lambda functions are called in this process, ECS is the local one.
 * Results and errors have the form in which Step Functions hands them to the state machine.
 *
 * @param functions handlers by the ARN that the definition names
 */
export function awsIntegration(ecs: LocalEcs, functions: Map<string, Handler>): Integration {
  return async (call) => {
    const parameters = call.arguments as JsonObject;
    // With a task token the interpreter itself waits for the answer.
    if (/^arn:aws:states:::lambda:invoke(\.waitForTaskToken)?$/.test(call.resource))
      return invokeFunction(functions, parameters);
    if (call.resource === 'arn:aws:states:::ecs:runTask.sync') return runTask(ecs, call);
    const sdk = /^arn:aws:states:::aws-sdk:ecs:(\w+)$/.exec(call.resource);
    if (!sdk) throw new TaskFailure('States.Runtime', `The rehearsal has nothing behind ${call.resource}.`);
    try {
      return toPascalCase(plain(await ecs.call(sdk[1] as string, toCamelCase(parameters) as JsonObject)));
    } catch (error) {
      throw new TaskFailure(`Ecs.${(error as Error).name}`, (error as Error).message);
    }
  };
}

/** Source: Lambda developer guide, "Function errors": the error's class is `errorType`, and Step Functions' Error. */
async function invokeFunction(functions: Map<string, Handler>, { FunctionName, Payload }: JsonObject): Promise<Json> {
  const handler = functions.get(String(FunctionName));
  if (!handler)
    throw new TaskFailure('Lambda.ResourceNotFoundException', `Function not found: ${String(FunctionName)}`);
  try {
    const result = await handler(structuredClone(Payload) as never);
    return { ExecutedVersion: '1', StatusCode: 200, Payload: plain(result) };
  } catch (error) {
    const { name, message } = error as Error;
    throw new TaskFailure(name, JSON.stringify({ errorType: name, errorMessage: message, trace: [] }));
  }
}

/** Starts a task and waits for its end; a container that ends with anything but 0 fails the state, and the cause is the whole task. */
export async function runTask(
  ecs: Pick<LocalEcs, 'call'>,
  { arguments: parameters, signal, submitted }: TaskCall,
  untilNextLook: (until: AbortSignal) => Promise<unknown> = (until) =>
    pause(TASK_POLL_MILLISECONDS, undefined, { signal: until }),
): Promise<Json> {
  const started = (await ecs.call('RunTask', toCamelCase(parameters) as JsonObject)) as {
    tasks: { taskArn: string; clusterArn: string }[];
  };
  submitted(toPascalCase(plain(started)));
  const { taskArn, clusterArn } = started.tasks[0] as { taskArn: string; clusterArn: string };
  for (;;) {
    const { tasks } = (await ecs.call('DescribeTasks', { cluster: clusterArn, tasks: [taskArn] })) as {
      tasks: JsonObject[];
    };
    const task = toPascalCase(plain(tasks[0])) as { LastStatus: string; Containers: { ExitCode?: number }[] };
    if (task.LastStatus === 'STOPPED') {
      if (task.Containers.every(({ ExitCode }) => ExitCode === 0)) return task as unknown as Json;
      throw new TaskFailure('States.TaskFailed', JSON.stringify(task));
    }
    try {
      await untilNextLook(signal);
    } catch {
      // Step Functions stops the task when the state times out or the execution is stopped.
      await ecs.call('StopTask', {
        cluster: clusterArn,
        task: taskArn,
        reason: 'The execution no longer waits for it',
      });
      throw signal.reason;
    }
  }
}

/** Dates become ISO strings and absent values vanish, as on the way over the network. */
export function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null));
}
