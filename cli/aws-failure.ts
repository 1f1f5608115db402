import { Refused } from '../statemachine/errors.ts';
import type { ClientConfiguration } from './cloud.ts';

/** Whether AWS has answered that whoever asks may not. */
export function isDenied({ name }: Error): boolean {
  return /AccessDenied|UnauthorizedOperation|NotAuthorized/.test(name);
}

/**
 * Makes one sentence of what AWS has answered: with the permission that is missing, or the next step. What is understood
 * already stays as it is.
 *
 * @returns Refused for what a repetition does not cure
 */
export function awsFailure(error: unknown, { region, profile }: ClientConfiguration): Error {
  const { name, message } = error as Error;
  if (error instanceof Refused) return error;
  const who = profile === undefined ? 'your credentials' : `the profile ${profile}`;
  if (isDenied(error as Error)) {
    const action = /perform:? ([\w-]+:\w+)/.exec(message)?.[1];
    const resource = /on resource:? (\S+)/.exec(message)?.[1];
    return new Refused(
      action === undefined
        ? `AWS did not allow it: ${message.replace(/\.?$/, '.')} Sign in as somebody who may.`
        : `Whoever ${who} sign in as may not call ${action}${resource ? ` on ${resource}` : ''} in ${region}. Let them, or sign in as somebody who may.`,
      { cause: error as Error },
    );
  }
  if (/Credentials|ExpiredToken|UnrecognizedClient|InvalidClientTokenId|TokenProvider|InvalidSignature/.test(name)) {
    return new Refused(
      `AWS does not let you in with ${who} (${name}: ${message}). Sign in, for example by "aws sso login", and name the profile by --profile.`,
      { cause: error as Error },
    );
  }
  const { code } = error as NodeJS.ErrnoException;
  if (/^(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN)$/.test(code ?? '') || name === 'TimeoutError') {
    return new Error(
      `AWS in ${region} cannot be reached: ${message}. Look at the network and at --region, then repeat.`,
      {
        cause: error as Error,
      },
    );
  }
  if (/Throttl|TooManyRequests/.test(name)) {
    return new Error(`AWS in ${region} asks to go slower (${name}). Repeat it in a minute.`, { cause: error as Error });
  }
  return error as Error;
}
