import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

/**
 * The emulator's Python environment, made once for each version of requirements.txt: some seconds, 90 MB.
 *
 * @returns the directory of its programs
 * @throws Error that says what is missing: Python 3, its venv module, or the packages
 */
export function ensurePythonEnvironment(): string {
  const version = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const directory = join(CACHE, `emulator-${version}`);
  // Written last, so that one that was interrupted is made anew.
  const complete = join(directory, 'complete');
  const programs = join(directory, 'bin');
  if (existsSync(complete)) return programs;

  rmSync(directory, { recursive: true, force: true });
  run(
    'python3',
    ['--version'],
    'Python 3 was not found: the emulator is a Python program. Install python3, then repeat.',
  );
  run(
    'python3',
    ['-m', 'venv', directory],
    'Python has no working venv module. Debian and Ubuntu have it in a package of its own: install python3-venv, then repeat.',
  );
  run(
    join(programs, 'python3'),
    // --no-deps: what is not in the list is not installed either.
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--requirement', REQUIREMENTS],
    `pip could not install ${REQUIREMENTS}. It needs a package registry within reach.`,
  );
  writeFileSync(complete, '');
  return programs;
}

function run(program: string, words: string[], onFailure: string): void {
  try {
    execFileSync(program, words, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: string; stdout?: string };
    throw new Error(`${onFailure}\n${stderr || stdout || (error as Error).message}`.trim(), { cause: error });
  }
}
