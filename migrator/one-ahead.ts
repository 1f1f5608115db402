/**
 * Works through a list in order and is one item ahead of whoever takes the results: the next item is under way while the
 * last result is being used. Whoever stops taking them waits for what is under way.
 *
 * @returns each item with its result to come
 */
export async function* oneAhead<Item, Result>(
  items: Item[],
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<[Item, Promise<Result>]> {
  let current: Promise<Result> | undefined;
  let next = items[0] === undefined ? undefined : heard(work(items[0]));
  try {
    for (const [place, item] of items.entries()) {
      current = next as Promise<Result>;
      const following = items[place + 1];
      next = following === undefined ? undefined : heard(current.then(() => work(following)));
      yield [item, current];
    }
  } finally {
    await Promise.allSettled([current, next]);
  }
}

/** Its failure is told to whoever takes it, which may be later. */
function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
