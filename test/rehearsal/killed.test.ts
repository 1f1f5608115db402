import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryFingerprint } from '../../rehearsal/source-data.ts';
import { closingLines } from '../chaos/chaos-run.ts';
import { leftBehind, runRehearsal } from '../chaos/killed-rehearsal.ts';
import { walk } from '../chaos/walk.ts';
import { bundleCommand } from '../support/bundled-command.ts';
import { makeSmallRelay } from '../support/small-relay.ts';

// A part of `npm run test:chaos` that takes a few seconds.
describe('what is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'killed-'));
  chmodSync(directory, 0o755);
  const sourceDirectory = join(directory, 'data');
  beforeAll(() => makeSmallRelay(sourceDirectory));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('may be the database, in the middle of each task of prepare: it ends as if nothing had been', async () => {
    const { killed } = await walk('database', 'during', sourceDirectory, { stretches: false });
    expect([...killed].map((name) => name.split(' ')[1])).toEqual(
      expect.arrayContaining(['TakeLock', 'ExecutePrepare', 'RunLoad', 'ReadLoad', 'VerifyLoadedTable']),
    );
  });

  it('is counted by its kind, over all tests', () => {
    const ofTests = [
      { 'rehearsal before prepare': 2 },
      {},
      { 'database after cutover': 1, 'rehearsal before prepare': 3 },
    ];
    expect(closingLines(ofTests)).toEqual([
      ...['Kills:', '  database after cutover: 1', '  rehearsal before prepare: 5', '  all: 6'],
    ]);
  });

  it('may be the rehearsal: its programs, its PostgreSQL and its files are gone, and the source is as it was', async () => {
    const temporary = mkdtempSync(join(directory, 'tmp-'));
    chmodSync(temporary, 0o755);
    const before = await directoryFingerprint(sourceDirectory);
    const { command, remove } = await bundleCommand('test/chaos/rehearsal-that-dies.ts');
    try {
      const death = { machine: 'prepare', state: 'RunLoad', when: 'during', atMoment: true } as const;
      const wishes = { sourceDirectory, publishPerSecond: 4, afterwards: 'nothing', death } as const;
      const end = await runRehearsal(command, temporary, 'verifier', { ...wishes, faults: [] });
      expect(end).toEqual({ code: null, signal: 'SIGKILL', output: '', errors: '' });
      expect(await leftBehind(temporary)).toEqual([]);
      expect(await directoryFingerprint(sourceDirectory)).toEqual(before);
    } finally {
      remove();
    }
  });
});
