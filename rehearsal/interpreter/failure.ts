/** Why a state failed, with an error name that Retry and Catch match. AWS leaves the cause out for a timeout. */
export class StateFailure extends Error {
  override name = 'StateFailure';
  error: string;
  override cause: string | undefined;

  constructor(error: string, cause?: string) {
    super(cause === undefined ? error : `${error}: ${cause}`);
    this.error = error;
    this.cause = cause;
  }
}

/**
 * What an integration throws to fail its task with an error name.
 *
 * @param error the name that ErrorEquals matches, e.g. `Refused` or `ECS.AccessDeniedException`
 * @param cause what AWS would say; for a Lambda the JSON with `errorMessage` and `errorType`
 */
export class TaskFailure extends StateFailure {
  override name = 'TaskFailure';
  declare cause: string;

  constructor(error: string, cause: string) {
    super(error, cause);
  }
}

/** Ends the whole execution from outside its states: the reason of the abort signal that every wait listens to. */
export class ExecutionEnded extends Error {
  override name = 'ExecutionEnded';
  status: 'TIMED_OUT' | 'ABORTED';
  error: string | undefined;
  override cause: string | undefined;

  constructor(status: 'TIMED_OUT' | 'ABORTED', error?: string, cause?: string) {
    super(`The execution ended as ${status}.`);
    this.status = status;
    this.error = error;
    this.cause = cause;
  }
}

/** The members of an event's details or of an execution's result; a member that is not known is left out, as AWS does. */
export function errorAndCause(of: { error?: string | undefined; cause?: string | undefined }): {
  error?: string;
  cause?: string;
} {
  return {
    ...(of.error !== undefined && { error: of.error }),
    ...(of.cause !== undefined && { cause: of.cause }),
  };
}

/**
 * A controller that is aborted with a signal as well, until it is let go. AbortSignal.any takes some four times as long (Node 20),
 * and a machine that polls runs thousands of tasks.
 */
export function abortingWith(signal: AbortSignal): { controller: AbortController; letGo(): void } {
  const controller = new AbortController();
  const follow = (): void => controller.abort(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return { controller, letGo: () => signal.removeEventListener('abort', follow) };
}

/** Rejects with the signal's reason as soon as it is aborted, whatever becomes of the promise. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      return reject(signal.reason);
    }
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
