import type { Clock } from '../rehearsal/clock.ts';

interface Moment {
  time: number;
  /** Of two moments at the same time the one that was asked for first comes first. */
  order: number;
  /** Undefined once it was cancelled. */
  act: (() => void) | undefined;
}

/** The day on which every run begins: any will do, and the same in each run. */
const EPOCH = Date.UTC(2026, 0, 1);

/**
 * A clock on which nothing waits: when all that can happen now has happened, the time is that of the next moment that somebody
 * asked for. With the same calls it goes the same way, so that a run can be had again.
 */
export interface VirtualClock extends Clock {
  seconds(): number;
  /** Lets time pass until the promise is settled. @throws Error when nothing is left that could ever settle it, or after `secondsMax` */
  runUntil<T>(promise: Promise<T>, secondsMax: number): Promise<T>;
}

export function createVirtualClock(): VirtualClock {
  const moments = createHeap();
  let time = EPOCH;
  let order = 0;

  const at = (seconds: number, act: () => void): Moment => {
    const moment = { time: time + Math.max(0, Math.ceil(seconds * 1000)), order: order++, act };
    moments.push(moment);
    return moment;
  };

  const sleep = (seconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const moment = at(seconds, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      function abort(): void {
        moment.act = undefined;
        reject(signal?.reason);
      }
      signal?.addEventListener('abort', abort, { once: true });
    });

  return {
    now: () => new Date(time),
    seconds: () => (time - EPOCH) / 1000,
    sleep,
    skip: sleep,
    after(seconds, callback) {
      const moment = at(seconds, callback);
      return () => {
        moment.act = undefined;
      };
    },
    async runUntil(promise, secondsMax) {
      let isOver = false;
      const over = (): void => {
        isOver = true;
      };
      promise.then(over, over);
      const end = time + secondsMax * 1000;
      for (;;) {
        // All promises that can be settled now are settled before the next turn.
        await new Promise((resolve) => setImmediate(resolve));
        if (isOver) return promise;
        const moment = nextOf(moments);
        if (moment === undefined) throw new Error('Nothing will ever happen any more, and the run has not ended.');
        if (moment.time > end) throw new Error(`The run has not ended after ${secondsMax} s.`);
        time = moment.time;
        moment.act?.();
      }
    },
  };
}

function nextOf(moments: ReturnType<typeof createHeap>): Moment | undefined {
  for (;;) {
    const moment = moments.pop();
    if (moment === undefined || moment.act) return moment;
  }
}

const isBefore = (one: Moment, other: Moment): boolean =>
  one.time < other.time || (one.time === other.time && one.order < other.order);

/** A binary heap: thousands of moments wait for timeouts that never come, and a sorted list would be moved for each. */
function createHeap() {
  const list: Moment[] = [];
  const swap = (one: number, other: number): void => {
    [list[one], list[other]] = [list[other] as Moment, list[one] as Moment];
  };
  return {
    push(moment: Moment): void {
      let place = list.push(moment) - 1;
      for (let parent = (place - 1) >> 1; place > 0; parent = (place - 1) >> 1) {
        if (!isBefore(list[place] as Moment, list[parent] as Moment)) break;
        swap(place, parent);
        place = parent;
      }
    },
    pop(): Moment | undefined {
      const [first] = list;
      const last = list.pop();
      if (first === undefined || last === undefined || list.length === 0) return first;
      list[0] = last;
      for (let place = 0; ; ) {
        const left = 2 * place + 1;
        if (left >= list.length) break;
        const right = left + 1;
        const least = right < list.length && isBefore(list[right] as Moment, list[left] as Moment) ? right : left;
        if (!isBefore(list[least] as Moment, list[place] as Moment)) break;
        swap(place, least);
        place = least;
      }
      return first;
    },
  };
}
