import { randomUUID } from 'node:crypto';
import type { Json } from '../../statemachine/asl.ts';
import { TaskFailure } from './failure.ts';

/**
 * The tokens by which tasks with `.waitForTaskToken` are ended from outside: the calls SendTaskSuccess and SendTaskFailure.
 * They throw what AWS throws for a token whose task waits no more: `TaskTimedOut`, also when it has been answered already.
 * Source: API reference, SendTaskSuccess; developer guide, "Wait for a Callback with Task Token".
 */
export interface TaskTokens {
  succeed(token: string, output: Json): void;
  fail(token: string, error: string, cause: string): void;
  /** A token of a task that has begun, and what it is answered. */
  open(): WaitingTask;
}

interface WaitingTask {
  token: string;
  answer: Promise<Json>;
  /** Whatever ended the task: the token is worth nothing from now on. */
  close(): void;
}

/** @param newToken gives another one each time */
export function createTaskTokens(newToken: () => string = randomUUID): TaskTokens {
  const waiting = new Map<string, { resolve(output: Json): void; reject(failure: TaskFailure): void }>();

  const take = (token: string) => {
    const task = waiting.get(token);
    if (!task)
      throw Object.assign(new Error("Task Timed Out: 'Provided task does not exist anymore'"), {
        name: 'TaskTimedOut',
      });
    waiting.delete(token);
    return task;
  };

  return {
    succeed: (token, output) => take(token).resolve(output),
    fail: (token, error, cause) => take(token).reject(new TaskFailure(error, cause)),
    open() {
      const token = newToken();
      const answer = new Promise<Json>((resolve, reject) => waiting.set(token, { resolve, reject }));
      // It may be answered before, or long after, anybody looks.
      answer.catch(() => {});
      return { token, answer, close: () => void waiting.delete(token) };
    },
  };
}
