import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/relay-process.ts';

const bench = (program: string, ...args: string[]): string[] => ['--import', 'tsx', `bench/${program}.ts`, ...args];

describe('npm run bench', () => {
  it.each([
    [
      ['--events', '2e5'],
      "option '--events <count>' argument '2e5' is invalid. Expected a whole number of at least 1000",
    ],
    [['--rounds', '2'], "option '--rounds <count>' argument '2' is invalid. Expected a whole number of at least 3"],
    [['--only', 'delta'], `option '--only <names>' argument 'delta' is invalid. "delta" goes on where "ours" ends`],
    [
      ['--only', 'ours,others'],
      `option '--only <names>' argument 'ours,others' is invalid. "others": expected of floor`,
    ],
    [['--evnets', '9000'], "unknown option '--evnets'"],
  ])('refuses %j with exit code 2 before anything is run', (args, message) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, bench('all', ...args), { encoding: 'utf8' });
    expect(stderr).toContain(`error: ${message}`);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('explains itself without a path of this machine', () => {
    const { status, stdout } = spawnSync(process.execPath, bench('all', '--help'), { encoding: 'utf8' });
    expect(stdout).toMatch(/\(default:\s+bench\/results\)/);
    expect(stdout).not.toContain(process.cwd());
    expect(status).toBe(0);
  });

  it('leaves nothing behind when it is interrupted in the middle of a round', async () => {
    const directory = await temporaryDirectory();
    // PostgreSQL gives up the rights of root, and has to get in here.
    await chmod(directory, 0o755);
    // tsx keeps its cache there too.
    const ours = async (): Promise<string[]> =>
      (await readdir(directory)).flatMap((name) => /^relay-cutover-(.+)-/.exec(name)?.[1] ?? []).sort();
    const child = spawn(process.execPath, bench('migrator', '--events', '1000', '--results', directory), {
      env: { ...process.env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(child.stdout)) if (line.startsWith('round 1 of 3: floor, one')) break;
    expect(await ours()).toEqual(['bench', 'postgres']);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    expect(await ours()).toEqual([]);
  });
});
