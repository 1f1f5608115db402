import { spawn, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { inject } from 'vitest';
import { Screen } from './screen.ts';

/** Without Python nothing here gives a program a terminal; Windows has none of the kind. */
export const pythonIsMissing = spawnSync('python3', ['-c', 'import pty']).status !== 0;

export const CTRL_C = '\x03';

export const SPINNER = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;

export interface Terminal {
  columns: number;
  /** What is typed, each after the output that it waits for. */
  typed?: [after: string, text: string][];
  environment?: Record<string, string>;
}

/** Runs `relay-cutover` in a pseudo-terminal to its end. */
export async function inTerminal(args: string[], { columns, typed = [], environment = {} }: Terminal) {
  const { CI: _, NO_COLOR: __, FORCE_COLOR: ___, ...inherited } = process.env;
  const command = [process.execPath, inject('command'), ...args];
  const size = [String(columns), '50'];
  const child = spawn('python3', ['test/support/in-terminal.py', ...size, JSON.stringify(typed), ...command], {
    env: { ...inherited, TERM: 'xterm-256color', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const screen = new Screen(columns);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    screen.write(text);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output: stripVTControlCharacters(output), screen };
}
