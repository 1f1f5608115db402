import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../rehearsal/embedded-postgres.ts';
import { ensurePythonEnvironment } from './python-environment.ts';

export interface Emulator {
  /** Configuration of an AWS SDK client that speaks to it. */
  client: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  stop(): Promise<void>;
}

interface EmulatorOptions {
  region: string;
  /** What waits, and the pauses before a retry, are multiplied by; 0 for none. */
  waitScale: number;
  /** For the processes of the functions that it runs. */
  environment?: Record<string, string>;
}

const LAUNCH = fileURLToPath(new URL('launch.py', import.meta.url));
const START_SECONDS = 60;
/** It takes an access key of twelve digits for an account. */
const ACCESS_KEY = 'test';

/**
 * Starts MiniStack on a free port of 127.0.0.1, with nothing in it.
 *
 * @throws Error with its last words when it does not come up
 */
export async function startEmulator({ region, waitScale, environment = {} }: EmulatorOptions): Promise<Emulator> {
  const programs = ensurePythonEnvironment();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  // It unpacks the code of functions into the directory for temporary files, and leaves it there.
  const work = await mkdtemp(join(tmpdir(), 'relay-cutover-emulator-'));
  const child = spawn(join(programs, 'python3'), [LAUNCH], {
    env: {
      ...withoutAws(process.env),
      ...environment,
      TMPDIR: work,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: region,
      SFN_WAIT_SCALE: String(waitScale),
      LAMBDA_EXECUTOR: 'local',
      // Functions find it by this.
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: 'test',
      // Where there is a Docker it would run the real images; the test runs the programs itself.
      DOCKER_HOST: `unix://${join(work, 'no-docker.sock')}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test run that ends without its orderly way out must leave no server behind.
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  const lastWords = keepLastWords(child);
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(work, { recursive: true, force: true });
  };
  try {
    await untilHealthy(child, endpoint, lastWords);
  } catch (error) {
    await stop();
    throw error;
  }
  return { client: { endpoint, region, credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: 'test' } }, stop };
}

/** No profile and no credentials of whoever runs the test may reach a function. */
function withoutAws(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('AWS_')));
}

const LINES_KEPT = 40;

function keepLastWords(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      lines.push(...text.split('\n').filter((line) => line !== ''));
      lines.splice(0, lines.length - LINES_KEPT);
    });
  }
  return lines;
}

async function untilHealthy(child: ChildProcess, endpoint: string, lastWords: string[]): Promise<void> {
  const deadline = Date.now() + START_SECONDS * 1000;
  while (child.exitCode === null && Date.now() < deadline) {
    const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100);
  }
  const how = child.exitCode === null ? `was not up after ${START_SECONDS} s` : `ended with code ${child.exitCode}`;
  throw new Error(`The emulator ${how}. Its last words:\n${lastWords.join('\n')}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(killer);
}
