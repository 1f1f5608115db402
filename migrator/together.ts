/**
 * Waits for both, also where one of them has failed: what the other one still reads must not be closed under it.
 *
 * @throws what the first one of them that failed has thrown
 */
export async function together<A, B>(one: A | Promise<A>, other: B | Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** The same for any number of one kind. */
export async function allOf<T>(all: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** A promise whose failure is told to whoever takes it, which may be later. */
export function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
