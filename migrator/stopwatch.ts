export interface Stopwatch {
  /** Does the work and counts its time under the name; the same name twice adds up. */
  timed<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** The seconds by name, to the millisecond. */
  seconds(): Record<string, number>;
}

export function createStopwatch(): Stopwatch {
  const milliseconds = new Map<string, number>();
  return {
    async timed(name, work) {
      const started = performance.now();
      const result = await work();
      milliseconds.set(name, (milliseconds.get(name) ?? 0) + performance.now() - started);
      return result;
    },
    seconds: () => Object.fromEntries([...milliseconds].map(([name, value]) => [name, Math.round(value) / 1000])),
  };
}
