/**
 * The clock of the rehearsal: waiting can be shortened, work cannot. Clock time is real time plus the time that sleeps
 * skipped, so a copy that really takes 20 s takes 20 s of clock time, and a drain of 330 s takes 330 s of clock time
 * although nobody waits that long.
 */
export interface Clock {
  now(): Date;
  /** Resolves when at least `seconds` of clock time have passed; rejects with `signal.reason` on abort. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>;
  /** A sleep that takes no real time however long it is: for days in which nothing that counts is at work. */
  skip(seconds: number, signal?: AbortSignal): Promise<void>;
  /** Runs the callback when that much clock time has passed; returns a cancel function. */
  after(seconds: number, callback: () => void): () => void;
}

interface Alarm {
  deadline: number;
  callback: () => void;
}

interface Sleeper {
  deadline: number;
  /** The real time at which it has waited long enough. */
  readyAt: number;
}

/** Node fires a timer at once when its delay does not fit into 31 bits. */
const TIMER_MILLISECONDS_MAX = 2 ** 31 - 1;

/** Whole milliseconds, so that no sum of them is a rounding error short of a deadline. */
const realMilliseconds = () => Math.floor(performance.timeOrigin + performance.now());

/** Runs the callback after the delay, however long it is; returns a cancel function. */
function longTimer(milliseconds: number, callback: () => void, keepsProcessAlive: boolean): () => void {
  let timer: NodeJS.Timeout;
  let left = milliseconds;
  const arm = () => {
    const step = Math.min(left, TIMER_MILLISECONDS_MAX);
    left -= step;
    timer = setTimeout(() => (left > 0 ? arm() : callback()), step);
    if (!keepsProcessAlive) timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}

interface ClockOptions {
  /** At least 1 (an ordinary clock); `Infinity` for no waiting at all. */
  speed: number;
  /** A longer wait is never made shorter than this in real time: what is polled for may be the work of a real process. */
  shortestWaitSeconds?: number;
}

/**
 * Creates a clock whose sleeps really wait `seconds / speed` and then skip to where they should end.
 *
 * Two sleeps of 10 s at the same time advance the clock by 10 s, and the shorter of two ends first. An alarm set by `after` fires when its time is reached by
 * real time or by a skip; a skip stops at every alarm on its way, so that an alarm which ends the sleep also ends the skip.
 * A sleep keeps the process alive, since somebody awaits it; an alarm does not.
 *
 * @throws Error when the speed is below 1 or not a number
 */
export function createClock({ speed, shortestWaitSeconds = 0 }: ClockOptions): Clock {
  if (!(speed >= 1)) throw new Error(`The clock's speed is ${speed}; it must be 1 or more.`);
  let skipped = 0;
  const alarms = new Set<Alarm>();
  const sleepers = new Set<Sleeper>();
  const now = () => realMilliseconds() + skipped;

  const advanceTo = (time: number) => {
    skipped += Math.max(0, time - now());
  };

  const nextAlarmUntil = (time: number): Alarm | undefined =>
    [...alarms].filter((alarm) => alarm.deadline <= time).sort((a, b) => a.deadline - b.deadline)[0];

  /** Whether a sleep that has waited as well should end before this one; without it, an hour would swallow a minute. */
  const comesAfterAnother = ({ deadline }: Sleeper) =>
    [...sleepers].some((other) => other.deadline < deadline && other.readyAt <= realMilliseconds());

  const sleepAt = (rate: number, seconds: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const milliseconds = Math.max(0, Math.ceil(seconds * 1000));
      const sleeper = { deadline: now() + milliseconds, readyAt: realMilliseconds() + milliseconds / rate };
      sleepers.add(sleeper);
      let cancelTimer = longTimer(
        Math.max(milliseconds / rate, Math.min(milliseconds, shortestWaitSeconds * 1000)),
        wake,
        true,
      );
      signal?.addEventListener('abort', abort, { once: true });

      function wake() {
        const alarm = nextAlarmUntil(sleeper.deadline);
        if (comesAfterAnother(sleeper)) {
          cancelTimer = longTimer(0, wake, true);
        } else if (alarm) {
          advanceTo(alarm.deadline);
          // In a later turn, so that all that the alarm sets off happens at its time; the alarm may also end this sleep.
          cancelTimer = longTimer(0, wake, true);
          alarm.callback();
        } else {
          advanceTo(sleeper.deadline);
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', abort);
          resolve();
        }
      }
      function abort() {
        sleepers.delete(sleeper);
        cancelTimer();
        reject(signal?.reason);
      }
    });

  const after = (seconds: number, callback: () => void) => {
    const milliseconds = Math.max(0, Math.ceil(seconds * 1000));
    const alarm: Alarm = {
      deadline: now() + milliseconds,
      callback: () => {
        cancel();
        callback();
      },
    };
    const cancelTimer = longTimer(milliseconds, alarm.callback, false);
    const cancel = () => {
      cancelTimer();
      alarms.delete(alarm);
    };
    alarms.add(alarm);
    return cancel;
  };

  return {
    now: () => new Date(now()),
    sleep: (seconds, signal) => sleepAt(speed, seconds, signal),
    skip: (seconds, signal) => sleepAt(Number.POSITIVE_INFINITY, seconds, signal),
    after,
  };
}
