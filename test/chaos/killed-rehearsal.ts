import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { atExit } from '../../rehearsal/at-exit.ts';
import type { RehearsalOptions } from '../../rehearsal/stage.ts';
import type { MachineName } from '../../statemachine/machine-names.ts';
import type { When } from './killer.ts';

export interface Death {
  machine: MachineName;
  state: string;
  when: When;
  /** During a run of the migrator: at a moment that it announces. */
  atMoment?: boolean;
  /** Not the rehearsal alone is killed, but every process of its group. */
  group?: boolean;
}

export interface Wishes {
  sourceDirectory: string;
  databaseUrl?: string;
  faults: string[];
  publishPerSecond: number;
  afterwards: RehearsalOptions['afterwards'];
  death?: Death;
}

export interface EndedRehearsal {
  signal: NodeJS.Signals | null;
  code: number | null;
  /** What it has printed: nothing when it was killed. */
  output: string;
  errors: string;
}

/** Runs a rehearsal as a process of its own, in a process group of its own, to its end or its death. */
export async function runRehearsal(
  program: string,
  temporary: string,
  role: string,
  wishes: Wishes,
): Promise<EndedRehearsal> {
  const child = spawn(process.execPath, [program, JSON.stringify(wishes)], {
    env: { ...process.env, TMPDIR: temporary, VERIFIER_ROLE: role },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = atExit(() => void child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  ended();
  return { code, signal, output, errors };
}

const POLL_MILLISECONDS = 50;
/** It takes a fraction of a second, unless others have the processor. */
const LEFT_MILLISECONDS_MAX = 60_000;

/** What is left of rehearsals in a temporary directory of theirs, programs and files, once there was time to notice the death. */
export async function leftBehind(temporary: string): Promise<string[]> {
  const deadline = Date.now() + LEFT_MILLISECONDS_MAX;
  for (;;) {
    const left = [
      ...processesIn(temporary),
      ...readdirSync(temporary).filter((name) => name.startsWith('relay-cutover')),
    ];
    if (left.length === 0 || Date.now() > deadline) return left;
    await pause(POLL_MILLISECONDS);
  }
}

/** Command lines of the programs whose environment names the directory; Linux alone tells. */
function processesIn(temporary: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(temporary)) return [];
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}
