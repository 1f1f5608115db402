/**
 * Waits for both, also where one of them has failed: what the other one still reads must not be closed under it.
 *
 * @throws what the first one of them that failed has thrown
 */
export async function together<A, B>(one: A | Promise<A>, other: B | Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
