import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../cli/relay-cutover.mjs', import.meta.url));

/** Runs the program and gives its wall time and what it said. Throws Error when it ends with anything but 0. */
export async function runCli(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ seconds: number; output: string }> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`relay-cutover ${args.join(' ')} ended with exit code ${code}:\n${output}`);
  return { seconds: (performance.now() - started) / 1000, output };
}
