import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What each room may import from; a room may always import from itself. */
const DOORS: Record<string, string[]> = {
  statemachine: [],
  migrator: ['statemachine'],
  lambdas: ['statemachine', 'migrator'],
  infra: ['statemachine'],
  rehearsal: ['statemachine', 'migrator', 'lambdas', 'report'],
  report: ['statemachine'],
  cli: ['statemachine', 'migrator', 'lambdas', 'rehearsal', 'report'],
  bench: ['migrator', 'rehearsal'],
};

/** The migrator's modules without side effects that the functions share; its SQLite side must stay out of their bundles. */
const PURE_MIGRATOR_MODULES = [
  'authority',
  'digest',
  'event-id',
  'generic-table',
  'manifest',
  'table-kinds',
  'together',
  'verify-table',
];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.mjs'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));

interface Import {
  from: string;
  to: string;
}

const imports: Import[] = files.flatMap((from) =>
  [...readFileSync(from, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) => ({
    from,
    to: normalize(join(dirname(from), match[1] as string)),
  })),
);
const roomOf = (file: string): string => file.split('/')[0] as string;

describe('the house', () => {
  it('has files and imports to look at', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('lets imports through its doors one way only', () => {
    const broken = imports
      .filter(({ from }) => roomOf(from) in DOORS)
      .filter(({ from, to }) => roomOf(to) !== roomOf(from) && !DOORS[roomOf(from)]?.includes(roomOf(to)));
    expect(broken).toEqual([]);
  });

  it('gives the functions only the pure modules of the migrator', () => {
    const broken = imports
      .filter(({ from, to }) => roomOf(from) === 'lambdas' && roomOf(to) === 'migrator')
      .filter(({ to }) => !PURE_MIGRATOR_MODULES.includes(basename(to, '.ts')));
    expect(broken).toEqual([]);
    const inside = imports
      .filter(({ from }) => roomOf(from) === 'migrator' && PURE_MIGRATOR_MODULES.includes(basename(from, '.ts')))
      .filter(({ to }) => roomOf(to) === 'migrator' && !PURE_MIGRATOR_MODULES.includes(basename(to, '.ts')))
      .filter(({ from, to }) => !new RegExp(`import type [^;]*'\\./${basename(to)}'`).test(readFileSync(from, 'utf8')));
    expect(inside).toEqual([]);
  });

  it('has no barrels and no drawers for odds and ends', () => {
    const unwanted = files.filter((file) => /(^|\/)(index|utils)\.ts$|(^|\/)(helpers|common)\//.test(file));
    expect(unwanted).toEqual([]);
  });

  it('says in CONTRIBUTING.md where to change what, with files that exist', () => {
    const table = readFileSync('CONTRIBUTING.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const named = table.flatMap((line) =>
      [...line.matchAll(/`([\w./-]+\/[\w.-]*)`/g)].map((match) => match[1] as string),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it('shows in README.md the help that the program prints', () => {
    const readme = readFileSync('README.md', 'utf8');
    for (const command of [[], ['rehearse'], ['migrate'], ['template'], ['approve'], ['reject']]) {
      const help = execFileSync(process.execPath, ['cli/relay-cutover.mjs', ...command, '--help'], {
        encoding: 'utf8',
        env: { ...process.env, COLUMNS: '100' },
      });
      expect(readme).toContain(help.trimEnd());
    }
  });
});
