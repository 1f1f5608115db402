import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createClock } from '../rehearsal/clock.ts';

const DAY = 86_400;

/** The seconds of clock time that have passed since the call, as a function. */
function stopwatch(clock: { now(): Date }) {
  const start = clock.now().getTime();
  return () => (clock.now().getTime() - start) / 1000;
}

describe('createClock', () => {
  it('advances by what a sleep asks for without waiting for it', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const passed = stopwatch(clock);
    await clock.sleep(30 * DAY);
    expect(passed()).toBeGreaterThanOrEqual(30 * DAY);
    expect(passed()).toBeLessThan(30 * DAY + 60);
  });

  it('counts concurrent sleeps once', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const passed = stopwatch(clock);
    await Promise.all([clock.sleep(DAY), clock.sleep(DAY), clock.sleep(DAY)]);
    expect(passed()).toBeLessThan(DAY + 60);
  });

  it('adds sleeps that follow each other', async () => {
    const clock = createClock({ speed: 1e9 });
    const passed = stopwatch(clock);
    await clock.sleep(DAY);
    await clock.sleep(DAY);
    expect(passed()).toBeGreaterThanOrEqual(2 * DAY);
  });

  it('skips days at once at any speed', async () => {
    const clock = createClock({ speed: 1 });
    const passed = stopwatch(clock);
    const started = Date.now();
    await clock.skip(8 * DAY);
    expect(passed()).toBeGreaterThanOrEqual(8 * DAY);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('is an ordinary clock at speed 1', async () => {
    const clock = createClock({ speed: 1 });
    const started = Date.now();
    await clock.sleep(0.05);
    expect(Date.now() - started).toBeGreaterThanOrEqual(45);
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(1000);
  });

  it('rejects a sleep with the reason of its signal, before and during it', async () => {
    const clock = createClock({ speed: 1 });
    const controller = new AbortController();
    const sleeping = clock.sleep(DAY, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(clock.sleep(DAY, controller.signal)).rejects.toThrow('enough');
  });

  it('fires an alarm when a sleep skips over its time', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const passed = stopwatch(clock);
    const fired: [string, number][] = [];
    clock.after(60, () => fired.push(['later', passed()]));
    clock.after(20, () => fired.push(['sooner', passed()]));
    clock.after(4000, () => fired.push(['never', passed()]));
    await clock.sleep(3600);
    expect(fired.map(([name]) => name)).toEqual(['sooner', 'later']);
    expect(fired[0]?.[1]).toBeLessThan(60);
    expect(fired[1]?.[1]).toBeLessThan(3600);
  });

  it('ends the sleep that is due first first, whichever began first', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const ended: string[] = [];
    const long = clock.sleep(3600).then(() => ended.push('an hour'));
    for (const minute of [1, 2, 3]) {
      await clock.sleep(60);
      ended.push(`minute ${minute}`);
    }
    await long;
    expect(ended).toEqual(['minute 1', 'minute 2', 'minute 3', 'an hour']);
  });

  it('lets what an alarm sets off happen at the time of the alarm', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const passed = stopwatch(clock);
    const afterAlarm = new Promise<void>((resolve) => clock.after(60, resolve)).then(passed);
    await clock.sleep(3600);
    expect(await afterAlarm).toBeLessThan(3600);
  });

  it('skips no further than the alarm that aborts the sleep', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    const passed = stopwatch(clock);
    const controller = new AbortController();
    clock.after(60, () => controller.abort(new Error('timed out')));
    await expect(clock.sleep(DAY, controller.signal)).rejects.toThrow('timed out');
    expect(passed()).toBeLessThan(3600);
  });

  it('fires an alarm by real time, and not after it was cancelled', async () => {
    const clock = createClock({ speed: Number.POSITIVE_INFINITY });
    let cancelledFired = false;
    const cancel = clock.after(0.01, () => {
      cancelledFired = true;
    });
    cancel();
    await new Promise<void>((resolve) => clock.after(0.02, resolve));
    await clock.sleep(DAY);
    expect(cancelledFired).toBe(false);
  });

  it('does not fire an alarm early because its time exceeds what a Node timer can hold', async () => {
    const clock = createClock({ speed: 1 });
    let fired = false;
    const cancel = clock.after(99_999_999, () => {
      fired = true;
    });
    await clock.sleep(0.02);
    cancel();
    expect(fired).toBe(false);
  });

  it('keeps no process alive for an alarm', () => {
    const script = `
      import { createClock } from ${JSON.stringify(new URL('../rehearsal/clock.ts', import.meta.url).pathname)};
      createClock({ speed: 1 }).after(3600, () => {});
      console.log('end of the script');`;
    const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(output).toBe('end of the script\n');
  });

  it.each([0, 0.5, -1, Number.NaN])('refuses the speed %d', (speed) => {
    expect(() => createClock({ speed })).toThrow(`The clock's speed is ${speed}; it must be 1 or more.`);
  });
});
