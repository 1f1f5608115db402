import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { migrate } from '../../migrator/main.ts';
import { bundledProgram } from '../../rehearsal/bundled-program.ts';
import { temporaryDirectory } from './relay-process.ts';

export interface MigratorRun {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface MigratorProcess {
  pid: number;
  /** Gives the first line of standard output that holds the text, or fails when the program ends without it. */
  line(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<MigratorRun>;
}

export interface Place {
  sqlitePath: string;
  url: string;
  /** What the migrator is told beside the two. */
  options?: NodeJS.ProcessEnv;
}

const COMMAND = fileURLToPath(new URL('../../cli/relay-cutover.mjs', import.meta.url));
const PROGRAM = new URL('../../cli/migrate-program.ts', import.meta.url);
const DYING_PROGRAM = new URL('./migrator-that-dies.ts', import.meta.url);

/**
 * Starts what the migrator's container runs, as a process of its own with nothing in its environment but what is given.
 */
export function startMigrator(
  args: string[],
  environment: NodeJS.ProcessEnv,
  program = bundledProgram(PROGRAM),
): MigratorProcess {
  return start([program, ...args], environment);
}

/** Runs `relay-cutover migrate` as a person does; it takes longer to start. */
export function runMigrateCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<MigratorRun> {
  return start([COMMAND, 'migrate', ...args], environment).ended;
}

export function runMigrator(args: string[], environment: NodeJS.ProcessEnv, program?: string): Promise<MigratorRun> {
  return startMigrator(args, environment, program).ended;
}

/** Runs the migrator up to its n-th moment, counted from 1, where it kills itself by SIGKILL. */
export async function runUntilKilled(mode: string, moment: number, place: Place): Promise<MigratorRun> {
  const scratch = await temporaryDirectory();
  return start([bundledProgram(DYING_PROGRAM), mode, String(moment)], environmentOf(place, scratch)).ended;
}

export function environmentOf(place: Place, scratch?: string): NodeJS.ProcessEnv {
  return {
    SQLITE_PATH: place.sqlitePath,
    DATABASE_URL: place.url,
    ...place.options,
    ...(scratch && { CUTOVER_SCRATCH_DIRECTORY: scratch }),
  };
}

export interface Result {
  code: number;
  outcome: string;
  message: string | undefined;
  lines: { event: string; name?: string; text?: string }[];
}

/** Runs the migrator inside the test's own process, which is many times faster than a process of its own. */
export async function migrateHere(mode: string, environment: NodeJS.ProcessEnv): Promise<Result> {
  const lines: string[] = [];
  const code = await migrate(mode, { json: true, environment, output: (line) => lines.push(line) });
  const parsed = lines.map((line) => JSON.parse(line));
  const { outcome, message } = parsed.at(-1);
  return { code, outcome, message, lines: parsed };
}

export function migratePlace(mode: string, place: Place): Promise<Result> {
  return migrateHere(mode, environmentOf(place));
}

function start(args: string[], environment: NodeJS.ProcessEnv): MigratorProcess {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (data) => {
    stdout += data;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (data) => {
    stderr += data;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as MigratorRun);
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    pid: child.pid as number,
    line(text) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const found = stdout.split('\n').find((line) => line.includes(text));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then((run) => reject(new Error(`The migrator ended without "${text}": ${run.stdout}${run.stderr}`)));
      });
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
