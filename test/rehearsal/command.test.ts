import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { withRelay } from '../../lambdas/nostr-client.ts';
import { FAULTS } from '../../rehearsal/faults.ts';
import type { RunRecord } from '../../report/run-record.ts';
import { part } from '../support/extent.ts';
import { bundledTemplate } from '../support/prepared-template.ts';
import { smallSource } from '../support/small-relay.ts';
import { shareTranslations } from '../support/temporary-room.ts';

let directory: string;
let temporary: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehearse-command-'));
  temporary = mkdtempSync(join(tmpdir(), 'rehearse-tmp-'));
  // As root, PostgreSQL runs under an account of its own and has to get in.
  chmodSync(temporary, 0o755);
  shareTranslations(temporary);
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
  onStart: (kill: (signal: NodeJS.Signals) => void) => void = () => {},
  program = inject('command'),
): Promise<Ended> {
  const child = spawn(process.execPath, [program, 'rehearse', ...args], {
    env: { ...process.env, TMPDIR: temporary, FORCE_COLOR: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onStart((signal) => child.kill(signal));
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

/** For what does not depend on the source. */
const quickly = (): string[] => ['--speed', '1000', '--source', smallSource()];

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

function expectNothingLeft(): void {
  expect(leftBehind()).toEqual([]);
  if (process.platform === 'linux') expect(processesLeft()).toEqual([]);
}

/** Asks relay and PostgreSQL as a person would: the file's permissions, and the rows that a person sees. */
async function connect(url: string, hostHeader: string, passwordFile: string): Promise<[string, number]> {
  const events = await withRelay({ url, hostHeader }, (relay) => relay.query({ limit: 1 }));
  expect(events).toHaveLength(1);
  const [host, port, database, user, password] = readFileSync(passwordFile, 'utf8').trimEnd().split(':');
  const client = new pg.Client({ host, port: Number(port), database, user, password });
  await client.connect();
  const { rows } = await client.query('SELECT count(*)::int AS rows FROM sphere_relay__events');
  await client.end();
  return [(statSync(passwordFile).mode & 0o777).toString(8), rows[0].rows];
}

describe('relay-cutover rehearse', () => {
  it('runs on embedded parts alone, writes the run record, and leaves nothing behind', async () => {
    const [file, report] = [join(directory, 'run.json'), join(directory, 'run.html')];
    const { code, output, errors } = await command(
      ['--speed', '1000', '--json', file, '--report', report],
      undefined,
      undefined,
      'cli/relay-cutover.mjs',
    );
    expect(errors).toBe('');
    expect(code).toBe(0);
    expect(output).toContain('✔ TakeAuthority');
    expect(output).toMatch(/sphere_relay__events: source=(\d{4}) dest=\1 \[OK\]/);
    expect(output).toMatch(
      /CutoverComplete: The relay serves from PostgreSQL: 15,\d{3} rows in 3 tables were compared one by one and are equal\.\n/,
    );
    expect(output.endsWith(`The report is in ${report}\n`)).toBe(true);
    const record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
    expect(record).toMatchObject({ formatVersion: 1, outcome: 'CutoverComplete', exitCode: 0 });
    const page = readFileSync(report, 'utf8');
    expect(page).toContain('<h1>The relay serves from PostgreSQL</h1>');
    // The migrator's own lines tell of its speed.
    expect(page).toContain('<figcaption>run 1: 15,');
    expectNothingLeft();
  });

  const UNHEALTHY = ['--fault', 'unhealthy'];
  const INTERRUPTED: [string, string, string[]][] = [
    ['while the stack is being made', '- PostgreSQL: ', []],
    ['while the old relay starts', '- Stack ', []],
    ['while the load runs', 'Migrating sphere_relay__events', []],
    ['in the middle of the state machine', '✔ ScaleDown', []],
    ['while rows are brought back', 'compared kv', [...UNHEALTHY, '--speed', '1000']],
    ['while a fault waits for the new relay', '✔ ScaleUp', UNHEALTHY],
    ['while restore brings the old relay back', 'machine "restore" begins', ['--fault', 'expression-fails']],
  ];
  it.each(part(INTERRUPTED, 3))('ends everything that it started on Ctrl-C %s', async (_, line, args) => {
    let sent = false;
    const { code, errors } = await command(['--speed', '100', '--source', smallSource(), ...args], (text, kill) => {
      // The migrator compares on the way there too.
      if (sent || !(line === 'compared kv' ? text.split(line).length > 2 : text.includes(line))) return;
      sent = true;
      kill('SIGINT');
    });
    expect(errors).toBe('Failed: Interrupted; everything that was started is being ended.\n');
    expect(code).toBe(130);
    expectNothingLeft();
  });

  it('ends a PostgreSQL that is still starting on Ctrl-C', async () => {
    let looking: NodeJS.Timeout | undefined;
    const { code } = await command([], undefined, (kill) => {
      looking = setInterval(() => {
        if (!leftBehind().some((name) => name.includes('postgres'))) return;
        clearInterval(looking);
        kill('SIGINT');
      }, 5);
    });
    clearInterval(looking);
    expect(code).toBe(130);
    expectNothingLeft();
  });

  it('halts under hold, and goes on after a redrive', async () => {
    const args = [...quickly(), '--fault', 'task-fails', '--on-failure', 'hold'];
    const held = await command(args);
    expect(held.code).toBe(1);
    expect(held.output).toMatch(/✘ Hold .*HeldForOperator/);
    expect(held.output).toMatch(
      /Held: ReadManifest failed with MigrationFailed: .* The execution is held: remove the cause and redrive it, or start restore with takeOver to bring the old relay back\.\n$/,
    );
    const redriven = await command([...args, '--then', 'redrive']);
    expect(redriven.code).toBe(0);
    expect(redriven.output).toContain('The state machine "cutover" goes on where it stopped (redrive 1)');
    expectNothingLeft();
  });

  it('runs real relay programs, with the environment of their containers, there and back', async () => {
    const standIn = fileURLToPath(new URL('../../rehearsal/relay/main.ts', import.meta.url));
    const script = (store: string): string => {
      const path = join(directory, `${store} relay`);
      const log = join(directory, 'programs.log');
      writeFileSync(
        path,
        `#!/bin/sh\necho "${store} PORT=$PORT DATA=$DATA DATABASE_URL=\${DATABASE_URL:+set} HOST=$RELAY_HOST $1" >> '${log}'\nexec '${process.execPath}' --import '${import.meta.resolve('tsx')}' '${standIn}' --store ${store}\n`,
      );
      chmodSync(path, 0o755);
      return `'${path}' "an argument"`;
    };
    const { code, output } = await command([
      ...[...quickly(), '--old-relay', script('sqlite'), '--new-relay', script('postgres'), '--then', 'rollback'],
    ]);
    expect(output).toMatch(/^RolledBack: The old relay serves from SQLite again, and everything/m);
    expect(code).toBe(0);
    const started = readFileSync(join(directory, 'programs.log'), 'utf8').trimEnd().split('\n');
    expect(started).toEqual([
      expect.stringMatching(/^sqlite PORT=\d+ DATA=\/.*\/efs DATABASE_URL= HOST=relay\.test an argument$/),
      expect.stringMatching(/^postgres PORT=\d+ DATA= DATABASE_URL=set HOST=relay\.test an argument$/),
      expect.stringMatching(/^sqlite PORT=\d+ DATA=\/.*\/efs DATABASE_URL= HOST=relay\.test an argument$/),
    ]);
    expectNothingLeft();
  });

  it('says what is the matter with a relay program that does not start', async () => {
    const program = 'sh -c "echo no such configuration; exit 3"';
    const { code, errors } = await command([...quickly(), '--old-relay', program]);
    expect(errors).toMatch(
      /^Failed: .*ZooidRelayService.*Circuit Breaker was triggered.* The last words of the relay:\n {2}no such configuration\n/,
    );
    expect(code).toBe(1);
    expectNothingLeft();
  });

  it("runs the user's own template, and gives it a shorter drain than it had", async () => {
    const own = join(directory, 'own.yaml');
    const attribute = '        - Key: deregistration_delay.timeout_seconds\n          Value: "77"\n';
    writeFileSync(own, bundledTemplate.replace('      TargetGroupAttributes:\n', `$&${attribute}`));
    const file = join(directory, 'run.json');
    const { code } = await command([...quickly(), '--template', own, '--json', file]);
    expect(code).toBe(0);
    const { states, writeStop } = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
    const asked = states.find(({ name }) => name === 'ScaleDown')?.enteredAt ?? '';
    const drainSeconds = (Date.parse(writeStop?.from ?? '') - Date.parse(asked)) / 1_000;
    // Ten seconds of it, and the polls that find it ended.
    expect(drainSeconds).toBeGreaterThan(10);
    expect(drainSeconds).toBeLessThan(40);
  });

  it('refuses a template without the parts that the settings name, and says all that it lacks', async () => {
    const own = join(directory, 'own.yaml');
    writeFileSync(
      own,
      'Parameters:\n  ContainerImage:\n    Type: String\nResources:\n  ECSCluster:\n    Type: AWS::ECS::Cluster\n',
    );
    const { code, errors } = await command(['--template', own]);
    expect(errors).toBe(
      `Refused: The template ${own} lacks the parameter RelayDomainName, the resource ZooidRelayService, the resource ZooidRelayTaskDefinition, the resource ALBTargetGroup, the resource EFSFileSystem, the resource EFSAccessPoint, the resource ECSTaskExecutionRole, the resource ECSTaskRole, the resource CloudWatchLogGroup, the resource VPC, the resource ECSSecurityGroup, the resource PublicSubnet1, the resource PublicSubnet2. These are the names in the settings; correct them there where the template calls its parts otherwise.\n`,
    );
    expect(code).toBe(2);
    expectNothingLeft();
  });

  it('keeps everything running until Ctrl-C when it is asked to, and says how to connect', async () => {
    let connected: Promise<[string, number]> | undefined;
    const { code, output, errors } = await command(['--speed', '1000', '--keep'], (text, kill) => {
      const [, url, host] = /relay +(ws:\S+) with the header "Host: ([^"]+)"/.exec(text) ?? [];
      const [, passwordFile] = /PGPASSFILE=(\S+)/.exec(text) ?? [];
      if (connected || !text.includes('Press Ctrl-C') || !url || !host || !passwordFile) return;
      connected = connect(url, host, passwordFile).finally(() => kill('SIGINT'));
    });
    const [permissions, rows] = (await connected) ?? ['', 0];
    expect([permissions, rows]).toEqual(['600', expect.any(Number)]);
    expect(rows).toBeGreaterThan(3_900);
    expect(errors).toBe('');
    expect(output).not.toMatch(/postgres:\/\/[^ ]*:/);
    expect(code).toBe(0);
    expectNothingLeft();
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
      ['--template', '/nowhere'],
      "Refused: The template /nowhere cannot be read: ENOENT: no such file or directory, open '/nowhere'\n",
    ],
    [['--then', 'redrive'], 'Refused: --then redrive follows a halt: say --on-failure hold too.\n'],
    [
      ['--then', 'pray'],
      "error: option '--then <what>' argument 'pray' is invalid. Allowed choices are redrive, rollback, finalize.\n(add --help for the usage)\n",
    ],
    [
      ['--publish', 'many'],
      "error: option '--publish <count>' argument 'many' is invalid. Seen \"many\", expected a number from 0 to 1000.\n(add --help for the usage)\n",
    ],
    [
      ['--fault', 'database-restarts', '--database-url', 'postgres://me:hunter2@127.0.0.1/relay'],
      'Refused: The fault "database-restarts" restarts PostgreSQL, and would restart yours. Leave --database-url out.\n',
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
