import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Outcome } from './seed.ts';

/** A run leaves much behind that dies young: with more room for it the collector comes less often, and finds less to copy. */
const NODE_OPTIONS = ['--max-semi-space-size=64'];

/** A process is given as many at a time: seeds take different times, and all are to be done at about the same moment. */
const SEEDS_AT_A_TIME = 20;

/**
 * Runs seeds in processes beside each other and hands on each outcome as it comes.
 *
 * @param listen gives false when it has seen enough: the processes are ended then
 * @throws Error with what a process said when it ended badly
 */
export async function runSeeds(
  bundle: string,
  seeds: number[],
  processes: number,
  listen: (outcome: Outcome) => boolean,
): Promise<void> {
  const children: ChildProcess[] = [];
  let isEnough = false;
  const enough = (): void => {
    isEnough = true;
    for (const child of children) child.kill();
  };
  const left = [...seeds];
  const runSome = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const environment = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
      const child = spawn(process.execPath, [...NODE_OPTIONS, bundle], { env: environment });
      children.push(child);
      let running = 0;
      const feed = (): void => {
        const next = left.splice(0, SEEDS_AT_A_TIME);
        running = next.length;
        if (running === 0) child.stdin.end();
        else child.stdin.write(`${JSON.stringify(next)}\n`);
      };
      // Of a process that has ended, its code tells.
      child.stdin.on('error', () => {});
      feed();
      let said = '';
      child.stderr.on('data', (text) => {
        said = `${said}${text}`.slice(-4_000);
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!isEnough && !listen(JSON.parse(line) as Outcome)) enough();
        if (--running === 0) feed();
      });
      child.once('error', reject);
      child.once('close', (code) =>
        (code === 0 && running === 0) || isEnough
          ? resolve()
          : reject(new Error(`A process of the simulation ended with ${code}: ${said}`)),
      );
    });
  try {
    await Promise.all(Array.from({ length: processes }, runSome));
  } finally {
    enough();
  }
}
