import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./reaper-program.mjs', import.meta.url));

/**
 * What must not outlive this process: a program by its process id, a directory, or the directory of an embedded PostgreSQL,
 * whose server is ended first.
 */
type Belonging = { process: number } | { directory: string } | { server: string };

let reaper: ChildProcess | undefined;

/**
 * Has something ended or removed when this process ends without having done so itself, also by SIGKILL or for want of
 * memory, when no handler of its own runs. A program beside this one sees to it (reaper-program.mjs).
 *
 * @returns a function that says it is over, so that an id which the system gives to another process is not hit
 */
export function entrust(belonging: Belonging): () => void {
  const [[kind, what]] = Object.entries(belonging) as [[string, string | number]];
  tell(`+ ${kind} ${what}`);
  return () => tell(`- ${kind} ${what}`);
}

function tell(line: string): void {
  reaper ??= start();
  reaper.stdin?.write(`${line}\n`);
}

function start(): ChildProcess {
  // In a group of its own: whoever kills this one's group by SIGKILL does not hit it. From the root directory and with
  // nothing of our environment, since it outlives us by a moment.
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without it there is nobody to tell; the handlers on our own exit are there all the same.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  // Neither keeps this process alive.
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}
