import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bashCompletion } from '../../cli/completion/bash.ts';
import { type CompletedCommand, commandTree } from '../../cli/completion/command-tree.ts';
import { createProgram } from '../../cli/program.ts';
import { FAULTS } from '../../rehearsal/faults.ts';
import { MACHINE_NAMES } from '../../statemachine/machine-names.ts';
import { runProgram } from '../support/run-program.ts';

let directory: string;
let tree: CompletedCommand[];
/** The scripts by their shells, as files. */
const scripts: Record<string, string> = {};
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
  tree = commandTree(await createProgram());
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    scripts[shell] = join(directory, shell);
    const { output, code } = await runProgram(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(scripts[shell], output);
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

/** What bash offers for the last of the words. */
function inBash(...words: string[]): string[] {
  const line =
    'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _relay_cutover; for word in "\x24{COMPREPLY[@]}"; do echo "$word"; done';
  const { stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '--noprofile', '-c', line, scripts.bash as string, 'relay-cutover', ...words],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

function inFish(line: string): string[] {
  const shell = 'fish';
  const { stdout, stderr } = spawnSync(
    shell,
    ['--no-config', '-c', `source ${scripts.fish}; complete -C 'relay-cutover ${line}'`],
    { encoding: 'utf8', env: { ...process.env, HOME: directory } },
  );
  expect(stderr).toBe('');
  return stdout.split('\n').flatMap((one) => (one === '' ? [] : [one.split('\t')[0] as string]));
}

describe('the completion for bash', () => {
  it('offers the commands, and those of a command', () => {
    expect(inBash('re')).toEqual(['rehearse', 'restore', 'report', 'reject', 'redrive']);
    expect(inBash('')).toEqual((tree[0] as CompletedCommand).commands.map(({ word }) => word));
    expect(inBash('template', '')).toEqual(['add-rds', 'switch', 'back', 'remove-efs', 'pull', 'help']);
  });

  it('offers the options of the command that was typed, also behind others', () => {
    expect(inBash('template', 'switch', '--diff', '--i')).toEqual(['--in', '--image']);
    expect(inBash('plan', '--')).toEqual(['--settings', '--region', '--profile', '--json', '--no-diff', '--help']);
  });

  it('offers what an option or an argument can be, with "=" too', () => {
    expect(inBash('rehearse', '--fault', '')).toEqual(FAULTS.map(({ name }) => name));
    expect(inBash('rehearse', '--fault', '=', 'mis')).toEqual(['mismatch']);
    expect(inBash('rehearse', '--on-failure', '=')).toEqual(['rollback', 'hold']);
    expect(inBash('watch', '--interval', '5', '')).toEqual([...MACHINE_NAMES]);
    expect(inBash('migrate', '--exclude', 'check', 'ch')).toEqual(['check', 'check-reverse']);
  });

  it('leaves to bash what may be the name of a file, and offers no second argument', () => {
    expect(inBash('rehearse', '--source', '')).toEqual([]);
    expect(inBash('migrate', 'check', '')).toEqual([]);
    expect(bashCompletion(tree)).toMatch(/\ncomplete -o bashdefault -o default -F _relay_cutover relay-cutover\n$/);
  });

  it('evaluates nothing that was typed', () => {
    const file = join(directory, 'evaluated');
    expect(inBash('start', '--comment', `$(touch ${file})`, '--ho')).toEqual(['--hold']);
    expect(inBash('start', '--comment', `$(touch ${file})`)).toEqual([]);
    expect(spawnSync('test', ['-e', file]).status).toBe(1);
  });

  it('has words that need no quotes in any shell', () => {
    const words = tree.flatMap(({ path, commands, options, argument }) => [
      ...[...path, ...argument, ...[...commands, ...options].map(({ word }) => word)],
      ...options.flatMap(({ value }) => (Array.isArray(value) ? value : [])),
    ]);
    expect(words.filter((word) => !/^[A-Za-z0-9-]+$/.test(word))).toEqual([]);
  });
});

describe.skipIf(!isThere('fish'))('the completion for fish', () => {
  it('offers commands, options and what they can be', () => {
    expect(inFish('re')).toEqual(['redrive', 'rehearse', 'reject', 'report', 'restore']);
    expect(inFish('template switch --diff --im')).toEqual(['--image']);
    expect(inFish('rehearse --fault mis')).toEqual(['mismatch']);
    expect(inFish('watch ')).toEqual([...MACHINE_NAMES].sort());
    expect(inFish(`rehearse --source ${directory}/po`)).toEqual([`${directory}/powershell`]);
  });
});

describe.skipIf(!isThere('zsh'))('the completion for zsh', () => {
  it('is taken by zsh without a word', () => {
    const line = `autoload -U compinit; compinit -u -D; source ${scripts.zsh}; print $_comps[relay-cutover]`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', line], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '_relay_cutover\n', stderr: '' });
  });
});

describe('relay-cutover completion', () => {
  it('has the same words for PowerShell', async () => {
    const { output } = await runProgram(['completion', 'powershell']);
    for (const { word } of (tree[0] as CompletedCommand).commands) expect(output).toContain(`@('${word}', `);
    expect(output).toContain("'--on-failure' = @('rollback', 'hold')");
  });
});
