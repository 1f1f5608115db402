import { plain, runTask } from '../rehearsal/aws-integration.ts';
import { toCamelCase, toPascalCase } from '../rehearsal/ecs/providers.ts';
import { type TaskCall, TaskFailure } from '../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject } from '../statemachine/asl.ts';
import type { FunctionName } from '../statemachine/functions.ts';
import type { Settings } from '../statemachine/settings.ts';
import { perform } from './acts.ts';
import type { Strike } from './faults.ts';
import { functionsOf } from './functions.ts';
import { createInvocation, type Disturbance } from './invocation.ts';
import { alterRow, EVENTS } from './rows.ts';
import type { Run } from './run.ts';

type Struck = { strike: Strike; struck(): void };

const LATENCY_SECONDS = 0.05;
const TASK_POLL_SECONDS = 5;

/** One call of a Task state, with all that strikes it. */
export async function callOf(run: Run, call: TaskCall): Promise<Json> {
  const { Name: state } = call.context.State as { Name: string };
  const { Name: stateMachine } = call.context.StateMachine as { Name: string };
  const machine = stateMachine.slice(run.cloud.settings.stackName.length + 1);
  const strikes = run.striker.strikesOf(machine, state);
  run.cloud.relays.write();
  arm(run, call, strikes);
  const failing = strikes.find(({ strike }) => strike.fails);
  if (failing?.strike.fails) {
    await run.cloud.clock.sleep(LATENCY_SECONDS);
    failing.struck();
    throw failing.strike.fails;
  }
  const answer = await answerOf(run, call, strikes);
  run.cloud.relays.write();
  const losing = strikes.find(({ strike }) => strike.losesAnswer);
  if (!losing?.strike.losesAnswer) return answer;
  losing.struck();
  throw losing.strike.losesAnswer;
}

/** Makes ready in the world what a strike does there. */
function arm(run: Run, call: TaskCall, strikes: Struck[]): void {
  const { cloud } = run;
  for (const { strike, struck } of strikes) {
    if (strike.task) cloud.taskFate = { ...strike.task, struck };
    if (strike.update) cloud.updateFate = { how: strike.update, struck };
    if (strike.crashes) cloud.crashes = { left: strike.crashes, struck };
    if (strike.answers) {
      cloud.approval = strike.answers;
      struck();
    }
    if (strike.stopSeconds !== undefined) {
      cloud.stopSeconds = strike.stopSeconds;
      struck();
    }
    if (strike.isMute) {
      cloud.relays.isMute = true;
      struck();
    }
    if (strike.databaseRestartsSeconds !== undefined) {
      struck();
      cloud.postgres.restart(strike.databaseRestartsSeconds);
    }
    if (strike.altersRow && alterRow(cloud.postgres.tables[EVENTS])) struck();
    if (strike.act) {
      const { what, afterSeconds } = strike.act;
      const by = String((call.context.Execution as JsonObject).Id);
      cloud.clock.after(afterSeconds, () => void perform(run, what, by).then((isDone) => isDone && struck()));
    }
  }
}

async function answerOf(run: Run, call: TaskCall, strikes: Struck[]): Promise<Json> {
  const parameters = call.arguments as JsonObject;
  if (call.resource.includes('lambda:invoke')) return invoke(run, call, strikes);
  if (call.resource.endsWith('ecs:runTask.sync'))
    return runTask(run.cloud.ecs, call, (until) => run.cloud.clock.sleep(TASK_POLL_SECONDS, until));
  const action = call.resource.split(':').at(-1) as string;
  await run.cloud.clock.sleep(LATENCY_SECONDS);
  return toPascalCase(plain(await run.cloud.ecs.call(action, toCamelCase(parameters) as JsonObject)));
}

/** A function, perhaps twice; the answer is that of the last invocation. */
async function invoke(run: Run, call: TaskCall, strikes: Struck[]): Promise<Json> {
  const { FunctionName: arn, Payload } = call.arguments as { FunctionName: string; Payload: JsonObject };
  const name = /:relay-cutover-(.*):1$/.exec(arn)?.[1] as FunctionName;
  const once = (): Promise<Json> => invokeOnce(run, call, { name, Payload }, strikes);
  const twice = strikes.find(({ strike }) => strike.againAfterSeconds !== undefined);
  if (!twice) return once();
  const first = once();
  first.catch(() => {});
  await run.cloud.clock.sleep(twice.strike.againAfterSeconds ?? 0);
  twice.struck();
  return once();
}

async function invokeOnce(
  run: Run,
  { context }: TaskCall,
  { name, Payload }: { name: FunctionName; Payload: JsonObject },
  strikes: Struck[],
): Promise<Json> {
  const { cloud, functionWorld } = run;
  const disturbing = strikes.find(({ strike }) => strike.disturbance);
  const slow = strikes.find(({ strike }) => strike.latencySeconds !== undefined);
  const stale = strikes.find(({ strike }) => strike.isStale);
  const disturbance = disturbing && ({ ...disturbing.strike.disturbance, struck: disturbing.struck } as Disturbance);
  const invocation = createInvocation(cloud.clock, {
    disturbance,
    latencySeconds: slow?.strike.latencySeconds ?? LATENCY_SECONDS,
  });
  slow?.struck();
  // Nobody tells a function that its execution was stopped: it goes on until its own time is over.
  const cancelTimeout = cloud.clock.after(timeoutSecondsOf(name, cloud.settings), invocation.die);
  const by = String((context.Execution as JsonObject).Id);
  const handlers = functionsOf(functionWorld, invocation, { by, isStale: stale?.struck });
  try {
    const killed = invocation.killed.then((error) => Promise.reject(error));
    const result = await Promise.race([handlers[name](structuredClone(Payload) as never), killed]);
    return { ExecutedVersion: '1', StatusCode: 200, Payload: plain(result) };
  } catch (error) {
    const { name: errorType, message: errorMessage } = error as Error;
    throw new TaskFailure(errorType, JSON.stringify({ errorType, errorMessage, trace: [] }));
  } finally {
    cancelTimeout();
  }
}

/** Source: `infra/function-plans.ts`. */
function timeoutSecondsOf(name: FunctionName, { verifyTimeoutSeconds }: Settings): number {
  return name === 'verify-counts' ? verifyTimeoutSeconds : 60;
}
