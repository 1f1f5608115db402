/** An error as the AWS SDK throws it: callers tell it by its name. */
export function awsError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

export function validationError(message: string): Error {
  return awsError('ValidationError', message);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
