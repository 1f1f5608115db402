import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULTS } from '../../rehearsal/faults.ts';
import type { RunRecord } from '../../report/run-record.ts';

let directory: string;
let temporary: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-command-'));
  temporary = mkdtempSync(join(tmpdir(), 'rehearse-tmp-'));
  // As root, PostgreSQL runs under an account of its own and has to get in.
  chmodSync(temporary, 0o755);
});

afterEach(() => {
  for (const one of [directory, temporary]) rmSync(one, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  output: string;
  errors: string;
}

/** Runs the command; `onOutput` may send it a signal when a line appears. */
function command(
  args: string[],
  onOutput: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['cli/relay-cutover.mjs', 'rehearse', ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    onOutput(output, (signal) => child.kill(signal));
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output, errors })));
}

/** What Node's loader caches there is not ours. */
const leftBehind = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('relay-cutover'));

/** Process ids of programs whose environment names this test's temporary directory. */
function processesLeft(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(temporary);
      } catch {
        return false;
      }
    });
}

describe('relay-cutover rehearse', () => {
  it('runs on embedded parts alone, writes the run record, and leaves nothing behind', async () => {
    const file = join(directory, 'run.json');
    const { code, output, errors } = await command(['--speed', '1000', '--json', file]);
    expect(errors).toBe('');
    expect(code).toBe(0);
    expect(output).toContain('✔ TakeAuthority');
    expect(output).toContain('sphere_relay__events: source=3905 dest=3905 [OK]');
    expect(output).toMatch(
      /CutoverComplete: The relay serves from PostgreSQL: 15,217 rows in 3 tables were compared one by one and are equal\.\n$/,
    );
    const record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
    expect(record).toMatchObject({ formatVersion: 1, outcome: 'CutoverComplete', exitCode: 0 });
    expect(leftBehind()).toEqual([]);
    if (process.platform === 'linux') expect(processesLeft()).toEqual([]);
  });

  it.each([
    ['while the load runs', 'Migrating sphere_relay__events'],
    ['in the middle of the state machine', '✔ ScaleDown'],
  ])('ends everything that it started on Ctrl-C %s', async (_, line) => {
    let sent = false;
    const { code, errors } = await command(['--speed', '30'], (text, kill) => {
      if (sent || !text.includes(line)) return;
      sent = true;
      kill('SIGINT');
    });
    expect(errors).toBe('Failed: Interrupted; everything that was started is being ended.\n');
    expect(code).toBe(130);
    expect(leftBehind()).toEqual([]);
    if (process.platform === 'linux') expect(processesLeft()).toEqual([]);
  });

  it.each([
    [
      ['--fault', 'nonsense'],
      `Refused: There is no fault "nonsense": expected one of ${FAULTS.map(({ name }) => name).join(', ')}.\n`,
    ],
    [
      ['--source', '/nowhere'],
      "Refused: There is no directory /nowhere: --source expects a relay's data directory with the files db and db-wal.\n",
    ],
    [
      ['--database-url', 'mysql://me:hunter2@127.0.0.1/relay'],
      'Refused: --database-url begins with "mysql://": expected postgres://user:password@host:port/database.\n',
    ],
    [
      ['--parameter', 'RelayDomainName'],
      "error: option '--parameter <name=value>' argument 'RelayDomainName' is invalid. Seen \"RelayDomainName\", expected NAME=VALUE.\n(add --help for the usage)\n",
    ],
    [
      ['--speed', '0'],
      "error: option '--speed <factor>' argument '0' is invalid. Seen \"0\", expected a number from 1 on.\n(add --help for the usage)\n",
    ],
  ])('refuses %j with one message and exit code 2', async (args, message) => {
    const { code, errors, output } = await command(args);
    expect(errors).toBe(message);
    expect(output).toBe('');
    expect(code).toBe(2);
    expect(leftBehind()).toEqual([]);
  });

  it('refuses a directory whose file "db" is no SQLite database', async () => {
    writeFileSync(join(directory, 'db'), 'hello, this is text');
    const { code, errors } = await command(['--source', directory]);
    expect(errors).toBe(
      `Refused: ${join(directory, 'db')} is not a SQLite database: it does not begin with "SQLite format 3". Check SQLITE_PATH.\n`,
    );
    expect(code).toBe(2);
    expect(leftBehind()).toEqual([]);
  });

  it('refuses a parameter that the template does not have', async () => {
    const { code, errors } = await command(['--parameter', 'RelayDomain=relay.example']);
    expect(errors).toBe(
      'Refused: The parameters do not fit the template: Parameters: [RelayDomain] do not exist in the template\n',
    );
    expect(code).toBe(2);
    expect(leftBehind()).toEqual([]);
  });
});
