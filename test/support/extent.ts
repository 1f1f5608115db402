/** Whether everything is enumerated, as `npm run test:full` asks for, or the part of it that `npm test` has time for. */
export const isFull = process.env.RELAY_CUTOVER_TEST_EXTENT === 'full';

/** All of a list in a full run, else every n-th of it: the same ones in each run. */
export function part<T>(list: T[], step: number): T[] {
  return isFull ? list : list.filter((_, index) => index % step === 0);
}
