import { fileURLToPath } from 'node:url';
import { runProgram } from './run-program.ts';

const CLI = fileURLToPath(new URL('../cli/relay-cutover.mjs', import.meta.url));

/** Runs the program and gives its wall time and what it said. Throws Error when it ends with anything but 0. */
export function runCli(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ seconds: number; output: string }> {
  return runProgram(`relay-cutover ${args.join(' ')}`, process.execPath, [CLI, ...args], environment);
}
