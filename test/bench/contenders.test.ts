import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { assertComplete } from '../../bench/completeness.ts';
import type { Contender } from '../../bench/contenders/contender.ts';
import { CONTENDERS } from '../../bench/contenders.ts';
import { runRounds } from '../../bench/rounds.ts';
import { runMigrator } from '../../bench/run-migrator.ts';
import { runProgram } from '../../bench/run-program.ts';
import { type WorkFiles, workFiles } from '../../bench/work-files.ts';
import { freshDatabase } from '../support/postgres.ts';

const PREPARE = fileURLToPath(new URL('../../bench/prepare.ts', import.meta.url));
const FLOOR = CONTENDERS[0] as Contender;

let files: WorkFiles;
beforeAll(async () => {
  files = workFiles(await mkdtemp(join(tmpdir(), 'relay-cutover-test-')));
  await runProgram('prepare.ts', process.execPath, ['--import', 'tsx', PREPARE, files.directory, '1500', '1']);
});
afterAll(() => rm(files.directory, { recursive: true, force: true }));

async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

describe('every contender', () => {
  const urls = new Map<string, string>();
  for (const contender of CONTENDERS) {
    it(`brings every row over as it is: ${contender.title}`, async (context) => {
      if ((await contender.absence?.()) !== undefined) context.skip();
      const url = urls.get(contender.continues ?? '') ?? (await freshDatabase()).url;
      urls.set(contender.name, url);
      const { seconds } = await contender.run(files, url);
      expect(seconds).toBeGreaterThan(0);
      await assertComplete(contender, files, url);
      // Without a search_vector the migrator would not call them equal, whatever the rows.
      if (!contender.rowsOnly) await runMigrator(files, 'verify', contender.source(files), url);
    });
  }
});

describe('a contender that has done half of its work', () => {
  it('is found out', async () => {
    const { url } = await freshDatabase();
    await FLOOR.run(files, url);
    await query(
      url,
      `DELETE FROM relay__event_tags WHERE ctid = (SELECT min(ctid) FROM relay__event_tags);
       DROP INDEX relay__idx_events_search; ALTER TABLE relay__event_tags DROP CONSTRAINT relay__event_tags_event_id_fkey;
       ALTER TABLE relay__events DISABLE TRIGGER ALL; UPDATE relay__events SET search_vector = NULL WHERE ctid = '(0,1)'`,
    );
    await expect(assertComplete(FLOOR, files, url)).rejects.toThrow(
      /^floor has not brought over what it was given: rows of relay__event_tags: \d+, expected \d+; rows without "every event can be found by its text": 1, expected 0; indexes: 11, expected 12; keys: 2, expected 3\. Its figure would be worth nothing\.$/,
    );
  });
});

describe('the rounds', () => {
  const unique = (): string => `c${randomBytes(4).toString('hex')}`;
  const measure = (rounds: number, contenders: Contender[], lines: string[] = []) =>
    runRounds(inject('postgresAdminUrl'), files, { events: 1500, rounds }, (line) => lines.push(line), contenders);

  it('run all contenders in turn, each on a database of its own or on the one that it continues', async () => {
    const seen: string[] = [];
    const base = unique();
    const first: Contender = {
      ...{ ...FLOOR, name: base, title: 'first' },
      run: (given, url) => {
        seen.push(`first ${url}`);
        return FLOOR.run(given, url);
      },
    };
    const second: Contender = {
      ...{ ...FLOOR, name: unique(), title: 'second', continues: base },
      async run(_, url) {
        seen.push(`second ${url}`);
        return { seconds: 61, peakMemoryMebibytes: 99 };
      },
    };
    const lines: string[] = [];
    const results = await measure(2, [first, { ...second, onceAboveSeconds: 60 }], lines);
    expect(lines.map((line) => line.replace(/\d+\.\d s$/, 's'))).toEqual([
      'round 1 of 2: first: s',
      'round 1 of 2: second: s',
      'round 2 of 2: first: s',
    ]);
    const [one, two, three] = seen.map((line) => line.split(' ')[1]);
    expect(two).toBe(one);
    expect(three).not.toBe(one);
    expect(results.map(({ seconds }) => seconds.length)).toEqual([2, 1]);
    expect(results[1]).toMatchObject({ seconds: [61], peakMemoryMebibytes: [99] });
    expect(Object.keys(results[0]?.parts ?? {})).toEqual(['copy', 'indexes', 'foreign key']);
    await expect(query(one as string, 'SELECT 1')).rejects.toThrow(/password authentication failed|does not exist/);
  });

  it('leave out who cannot run here, or not at this size', async () => {
    const absent: Contender = { ...FLOOR, name: unique(), absence: async () => 'not installed' };
    const small: Contender = { ...FLOOR, name: unique(), eventsMax: 1_000 };
    const results = await measure(1, [absent, small]);
    expect(results.map(({ absence }) => absence)).toEqual(['not installed', 'only up to 1,000 events']);
  });

  it('go on without a program of others that fails, and end with one of ours', async () => {
    const failing: Contender = { ...FLOOR, name: unique(), run: () => Promise.reject(new Error('heap exhausted')) };
    const lines: string[] = [];
    const [results] = await measure(2, [{ ...failing, foreign: true }], lines);
    expect(results).toMatchObject({ absence: 'failed', seconds: [] });
    expect(lines).toEqual(['round 1 of 2: floor: failed: heap exhausted']);
    await expect(measure(1, [{ ...failing, name: unique() }])).rejects.toThrow('The contender "floor" failed.');
  });
});
