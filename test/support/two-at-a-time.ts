/** Works through the list with two at a time, as there are two cores. */
export async function forEachOf<T>(list: T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = list.map((item, index) => [item, index] as const);
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(...next);
  };
  await Promise.all([worker(), worker()]);
}
