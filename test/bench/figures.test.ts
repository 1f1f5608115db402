import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge } from '../../bench/goals.ts';
import { plot } from '../../bench/plot.ts';
import { withResults } from '../../bench/readme.ts';
import { missedLines, table } from '../../bench/report.ts';
import type { ContenderResults, Results } from '../../bench/results.ts';
import { ratiosByRound, spreadOf } from '../../bench/statistics.ts';
import { temporaryDirectory } from '../support/relay-process.ts';

function contender(name: string, seconds: number[], more: Partial<ContenderResults> = {}): ContenderResults {
  return {
    name,
    title: `the ${name}`,
    remark: `what ${name} does`,
    seconds,
    parts: {},
    peakMemoryMebibytes: [],
    ...more,
  };
}

function results(events: number, ...contenders: ContenderResults[]): Results {
  return {
    ...{ date: '2026-01-02', seed: 1, rounds: 3, events, tags: 2.5 * events, keyValues: events / 200 },
    ...{ cores: 2, node: '24.1.0', postgres: '16.1', contenders },
  };
}

/** Exactly at every limit. */
const AT_THE_LIMITS = [
  contender('floor', [10, 10, 10]),
  contender('ours', [11.5, 11.5, 11.5], { parts: { load: [10, 10, 10] }, peakMemoryMebibytes: [150, 200, 160] }),
  contender('delta', [3.5, 3.5, 3.5], { peakMemoryMebibytes: [120] }),
  contender('row-by-row', [80.5]),
];

describe('statistics of the rounds', () => {
  it('give median, least and most', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
    expect(spreadOf([])).toBeUndefined();
  });

  it('compare figures of the same round, as long as both have one', () => {
    expect(ratiosByRound([10, 40, 90], [5, 10])).toEqual([2, 4]);
  });
});

describe('goals', () => {
  it('are met at their limits', () => {
    const reference = results(200_000, contender('ours', [11.5 / 12]));
    const verdicts = judge(results(2_000_000, ...AT_THE_LIMITS), reference);
    expect(verdicts.map(({ verdict, seen }) => `${verdict}: ${seen}`)).toEqual([
      'met: 1.15 ×',
      'met: 7.00 ×',
      'met: 0.35 ×',
      'met: 200 MiB',
      'met: 1.20 ×',
    ]);
    expect(missedLines(verdicts)).toEqual([]);
  });

  it('are missed beyond them, each with a line of its own', () => {
    const reference = results(200_000, contender('ours', [0.9]));
    const slower = [
      contender('floor', [10, 10, 10]),
      contender('ours', [11.7, 11.7, 11.7], { parts: { load: [10, 10, 10] }, peakMemoryMebibytes: [201] }),
      contender('delta', [3.7, 3.7, 3.7]),
      contender('row-by-row', [80.5]),
    ];
    expect(missedLines(judge(results(2_000_000, ...slower), reference))).toEqual([
      'Missed: load and verify, as a multiple of the floor: 1.17 ×; the goal is at most 1.15 ×.',
      'Missed: row by row, as a multiple of load and verify: 6.88 ×; the goal is at least 7 ×.',
      'Missed: reconcile of 1% changed rows, as a part of load: 0.37 ×; the goal is at most 0.35 ×.',
      'Missed: peak memory of the migrator: 201 MiB; the goal is at most 200 MiB.',
      'Missed: time a row, as a multiple of that at 200,000 events: 1.30 ×; the goal is at most 1.2 ×.',
    ]);
  });

  it('are left open where there is nothing to judge', () => {
    const verdicts = judge(results(200_000, contender('floor', [10])), undefined);
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['not measured']));
    expect(missedLines(verdicts)).toEqual([]);
  });
});

describe('the table', () => {
  it('shows every contender, the absent one with its reason, and the goals', () => {
    const shown = results(
      200_000,
      contender('floor', [10, 12, 11], { parts: { copy: [6, 7, 8], indexes: [4, 5, 3] } }),
      contender('ours', [20, 18, 33]),
      contender('pgloader', [], { absence: 'not installed' }),
    );
    const goal = { title: 'peak memory', goal: 'at most 200 MiB', seen: '150 MiB', verdict: 'met' } as const;
    expect(table(shown, [goal, { ...goal, seen: 'not measured', verdict: 'not measured' }]).split('\n')).toEqual([
      '200,000 events, 500,000 tags and 1,000 settings (seed 1), 3 rounds, 2 cores, Node 24.1.0, PostgreSQL 16.1, 2026-01-02:',
      '',
      '| contender | seconds, median | least to most | times the floor | of which, in seconds | what it does |',
      '| --- | --: | --: | --: | --- | --- |',
      '| the floor | 11.0 | 10.0 to 12.0 | 1.00 | copy 7.0, indexes 4.0 | what floor does |',
      '| the ours | 20.0 | 18.0 to 33.0 | 2.00 |  | what ours does |',
      '| the pgloader | not installed |  |  |  | what pgloader does |',
      '',
      '| what the migrator has to keep | goal | seen | |',
      '| --- | --: | --: | --- |',
      '| peak memory | at most 200 MiB | 150 MiB | met |',
      '| peak memory | at most 200 MiB |  | not measured |',
      '',
    ]);
  });
});

describe('the plot', () => {
  it('is the same text each time, with every figure on a background of its own', () => {
    const shown = results(200_000, ...AT_THE_LIMITS, contender('pgloader', [], { absence: 'not installed' }));
    const svg = plot(shown);
    expect(plot(shown)).toBe(svg);
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text);
    expect(texts).toEqual(expect.arrayContaining(['the floor', 'the ours', '10.0 s', '11.5 s', '3.5 s', '80.5 s']));
    expect(texts).not.toContain('the pgloader');
    expect(svg).toMatch(/<rect width="860" height="\d+"[^>]* fill="#ffffff"/);
  });
});

describe('README.md', () => {
  it('shows the kept results', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(withResults(readme)).toBe(readme);
  });

  it('gets plot and table in place of what stood there', async () => {
    const directory = await temporaryDirectory();
    const readme = 'before\n<!-- npm run docs: bench/results -->\nold\n<!-- /bench/results -->\nafter\n';
    expect(withResults(readme, directory)).toContain('\nNo run is kept in this repository yet.\n');
    writeFileSync(join(directory, '200000.md'), '| new |\n');
    expect(withResults(readme, directory)).toBe(
      'before\n<!-- npm run docs: bench/results -->\n\n![The seconds of the table below as bars](bench/results/200000.svg)\n\n| new |\n\n<!-- /bench/results -->\nafter\n',
    );
  });

  it('is refused without a place for them', () => {
    expect(() => withResults('nothing')).toThrow(
      'README.md has no place for the results: expected "<!-- npm run docs: bench/results -->" and, below it, "<!-- /bench/results -->".',
    );
  });
});
