import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface ChildProgram {
  /** A TypeScript file, from the project's root on. */
  script: string;
  args: string[];
  environment?: Record<string, string>;
  /** Its standard output goes to ours, or, where ours is for a machine to read, to the standard error. */
  output?: 'stdout' | 'stderr';
}

/**
 * Runs a program of a room that this one may not import from, at this terminal, to its end.
 *
 * @returns its exit code; 128 and the signal's number where a signal ended it, as a shell says it
 */
export async function runChild({ script, args, environment = {}, output = 'stdout' }: ChildProgram): Promise<number> {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), path, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['inherit', output === 'stdout' ? 'inherit' : 2, 'inherit'],
  });
  // A terminal sends Ctrl-C to the child too, which has things to end; to tell it twice would cut that short.
  const stop = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGTERM') child.kill(signal);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
