import { heard } from './together.ts';

/**
 * Works through a list in order and is some items ahead of whoever takes the results: those are under way while the last
 * result is being used. No more than that, since results take memory.
 *
 * @param ahead so many items are begun beyond the one whose result is taken
 * @returns each item with its result to come; a failure is told to whoever takes the result
 */
export function* inAdvance<Item, Result>(
  items: Item[],
  ahead: number,
  work: (item: Item) => Promise<Result>,
): Generator<[Item, Promise<Result>]> {
  const begun: Promise<Result>[] = [];
  for (const [place, item] of items.entries()) {
    for (const next of items.slice(place + begun.length, place + 1 + ahead)) begun.push(heard(work(next)));
    yield [item, begun.shift() as Promise<Result>];
  }
}
