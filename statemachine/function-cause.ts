/** A function's cause is JSON around its message; any other cause is the message itself. */
export function messageIn(cause: string): string;
export function messageIn(cause: string | undefined): string | undefined;
export function messageIn(cause: string | undefined): string | undefined {
  try {
    const { errorMessage } = JSON.parse(cause ?? '') as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause;
  }
}
