import type { Json, TaskState } from '../../statemachine/asl.ts';
import { SECONDS } from './evaluate.ts';
import { abortingWith, errorAndCause, StateFailure, untilAborted } from './failure.ts';
import { toPayload } from './payload-limit.ts';
import { withRetryAndCatch } from './retry.ts';
import { contextOf, evaluate, evaluateAs, leave, type Outcome, record, type Visit } from './visit.ts';

/** Runs a Task state: Arguments, the integration under its timeout, Assign and Output. */
export function runTask(state: TaskState, visit: Visit): Promise<Outcome> {
  return withRetryAndCatch(state, visit, async () => {
    // Every try has a token of its own.
    const waiting = state.Resource.endsWith('.waitForTaskToken') ? visit.run.taskTokens.open() : undefined;
    try {
      if (waiting) visit.taskToken = waiting.token;
      const taskArguments = await evaluate(visit, state.Arguments, 'Arguments');
      const timeoutSeconds = await evaluateAs(visit, state.TimeoutSeconds, 'TimeoutSeconds', SECONDS);
      const result = await callIntegration(state, visit, taskArguments, timeoutSeconds, waiting?.answer);
      return { ...(await leave(visit, state, '', { result }, result)), next: state.Next };
    } finally {
      waiting?.close();
    }
  });
}

async function callIntegration(
  state: TaskState,
  visit: Visit,
  taskArguments: Json,
  timeoutSeconds: number,
  answer: Promise<Json> | undefined,
): Promise<Json> {
  const { clock, integration, region } = visit.run;
  const resource = resourceNames(state.Resource);
  const parameters = toPayload(taskArguments, `The input of the task '${visit.name}'`);
  record(visit, 'TaskScheduled', {
    taskScheduledEventDetails: { ...resource, region, parameters, timeoutInSeconds: timeoutSeconds },
  });
  record(visit, 'TaskStarted', { taskStartedEventDetails: resource });

  const { controller, letGo } = abortingWith(visit.signal);
  const { signal } = controller;
  const cancelTimeout = clock.after(timeoutSeconds, () => controller.abort(new StateFailure('States.Timeout')));
  const submitted = (output: Json) => {
    if (signal.aborted) return;
    const text = toPayload(output, `The first answer to the task '${visit.name}'`);
    record(visit, 'TaskSubmitted', { taskSubmittedEventDetails: { ...resource, output: text } });
  };
  const context = contextOf(visit);
  const call = { resource: state.Resource, arguments: taskArguments, context, signal, clock, submitted };
  try {
    const returned = await untilAborted(
      Promise.resolve().then(() => integration(call)),
      signal,
    );
    if (answer) submitted(returned);
    const result = answer ? await untilAborted(answer, signal) : returned;
    const output = toPayload(result ?? null, `The result of the task '${visit.name}'`);
    record(visit, 'TaskSucceeded', { taskSucceededEventDetails: { ...resource, output } });
    // Back from text, as from a service: no Date, no undefined, nothing shared with the integration.
    return JSON.parse(output);
  } catch (thrown) {
    // What a failed call has still running must not outlive it.
    controller.abort(thrown);
    visit.signal.throwIfAborted();
    throw recordFailure(visit, resource, thrown);
  } finally {
    cancelTimeout();
    letGo();
  }
}

function recordFailure(visit: Visit, resource: Resource, thrown: unknown): StateFailure {
  const failure = asFailure(thrown);
  const details = { ...resource, ...errorAndCause(failure) };
  if (failure.error === 'States.Timeout') record(visit, 'TaskTimedOut', { taskTimedOutEventDetails: details });
  else record(visit, 'TaskFailed', { taskFailedEventDetails: details });
  return failure;
}

function asFailure(thrown: unknown): StateFailure {
  if (thrown instanceof StateFailure) return thrown;
  if (thrown instanceof Error) return new StateFailure(thrown.name, thrown.message);
  return new StateFailure('States.TaskFailed', String(thrown));
}

interface Resource {
  resourceType: string;
  resource: string;
}

/** `arn:aws:states:::aws-sdk:ecs:updateService` is `aws-sdk:ecs` and `updateService` in the history. */
function resourceNames(arn: string): Resource {
  const parts = arn.split(':');
  if (parts[2] !== 'states') return { resourceType: parts[2] ?? '', resource: parts.slice(5).join(':') };
  return { resourceType: parts.slice(5, -1).join(':'), resource: parts.at(-1) ?? '' };
}
