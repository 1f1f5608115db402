import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Outcome } from './seed.ts';

/** A run leaves much behind that dies young: with more room for it the collector comes less often, and finds less to copy. */
const NODE_OPTIONS = ['--max-semi-space-size=64'];

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
  const runOne = (offset: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const mine = seeds.filter((_, place) => place % processes === offset);
      const environment = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
      const child = spawn(process.execPath, [...NODE_OPTIONS, bundle], { env: environment });
      child.stdin.end(JSON.stringify(mine));
      children.push(child);
      let said = '';
      child.stderr.on('data', (text) => {
        said = `${said}${text}`.slice(-4_000);
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!isEnough && !listen(JSON.parse(line) as Outcome)) enough();
      });
      child.once('error', reject);
      child.once('close', (code) =>
        code === 0 || isEnough
          ? resolve()
          : reject(new Error(`A process of the simulation ended with ${code}: ${said}`)),
      );
    });
  try {
    await Promise.all(Array.from({ length: processes }, (_, offset) => runOne(offset)));
  } finally {
    enough();
  }
}
