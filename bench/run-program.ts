import { type ChildProcess, spawn } from 'node:child_process';

/** What still runs when this process ends, by Ctrl-C too, would go on measuring for nobody. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Runs a program to its end; its standard error goes where ours goes.
 *
 * @param title how the error calls it: the arguments may hold a password
 * @returns wall time from its start to its end, and its standard output
 * @throws Error with the standard output when it ends with anything but 0, or cannot be started
 */
export async function runProgram(
  title: string,
  command: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ seconds: number; output: string }> {
  const started = performance.now();
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  try {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`${title} ended with exit code ${code}:\n${output}`);
    return { seconds: (performance.now() - started) / 1000, output };
  } finally {
    running.delete(child);
  }
}
