import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usageDocument, usageOfProgram } from '../scripts/usage.ts';

/** What each room may import from; a room may always import from itself. */
const DOORS: Record<string, string[]> = {
  statemachine: [],
  migrator: ['statemachine'],
  lambdas: ['statemachine', 'migrator', 'report'],
  infra: ['statemachine'],
  rehearsal: ['statemachine', 'migrator', 'lambdas', 'report'],
  report: ['statemachine'],
  cli: ['statemachine', 'migrator', 'lambdas', 'rehearsal', 'report'],
  bench: ['migrator', 'rehearsal'],
  simulation: ['statemachine', 'migrator', 'lambdas', 'rehearsal'],
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

/** They stand for whole programs, and their options are many. */
const OLDER_HELPS = ['rehearse', 'migrate'];

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

  it('shows in README.md and docs/usage.md the help that the program prints', async () => {
    expect(readFileSync('README.md', 'utf8')).toContain(`\`\`\`\n${await usageOfProgram()}\n\`\`\`\n`);
    expect(readFileSync('docs/usage.md', 'utf8')).toBe(await usageDocument());
  });

  it('has helps of one screen, no wider than a terminal, with examples', async () => {
    const sections = (await usageDocument()).split(/^#+ relay-cutover /m).slice(1);
    expect(sections.length).toBeGreaterThan(15);
    for (const section of sections) {
      const [name = '', ...lines] = section.trimEnd().split('\n');
      expect(
        lines.filter((line) => line.length > 80 && !line.includes('arn:aws:')),
        name,
      ).toEqual([]);
      if (!OLDER_HELPS.includes(name)) expect(lines.length - 3, name).toBeLessThanOrEqual(40);
      expect(section, name).toMatch(/\n(Examples?:\n {2}|.* completion bash >)/);
      expect(section, name).toContain('Exit codes: 0');
    }
  });
});
