/**
 * How each part of a world is read, in the order in which a preflight reads them. A part is read once, when it is first asked
 * for; one that rests on others asks for them.
 */
export type Parts<World> = { [Part in keyof World]-?: () => Promise<World[Part]> };

/** Makes a part out of how it is read: the first answer, or the first error, stands. */
export function part<T>(read: () => Promise<T> | T): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= Promise.resolve().then(read);
    return reading;
  };
}

/**
 * Reads all parts, one after the other, so that of several errors the first one is always the same.
 *
 * @throws what the first part throws that cannot be read
 */
export async function readAll<World extends object>(parts: Parts<World>): Promise<World> {
  const world: Partial<World> = {};
  for (const name of Object.keys(parts) as (keyof World)[]) world[name] = await parts[name]();
  return world as World;
}
