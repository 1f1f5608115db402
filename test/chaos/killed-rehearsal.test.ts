import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryFingerprint } from '../../rehearsal/source-data.ts';
import { bundleCommand } from '../support/bundled-command.ts';
import { freshDatabase } from '../support/postgres.ts';
import { makeSmallRelay } from '../support/small-relay.ts';
import { leftBehind, runRehearsal } from './killed-rehearsal.ts';

describe('a rehearsal that is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chaos-killed-'));
  chmodSync(directory, 0o755);
  const sourceDirectory = join(directory, 'data');
  let program: Awaited<ReturnType<typeof bundleCommand>>;
  beforeAll(async () => {
    makeSmallRelay(sourceDirectory);
    program = await bundleCommand('test/chaos/rehearsal-that-dies.ts');
  });
  afterAll(() => {
    program.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  it('x', async () => {
    const temporary = mkdtempSync(join(directory, 'tmp-'));
    chmodSync(temporary, 0o755);
    const { url } = await freshDatabase();
    const role = `v_${randomBytes(4).toString('hex')}`;
    const before = await directoryFingerprint(sourceDirectory);
    const base = { sourceDirectory, databaseUrl: url, faults: [], afterwards: 'nothing' as const };
    for (const death of [
      { machine: 'prepare', state: 'RunLoad', when: 'during', atMoment: true },
      { machine: 'cutover', state: 'RunMigrator', when: 'during', atMoment: true },
      { machine: 'cutover', state: 'AwaitSwitch', when: 'during' },
      { machine: 'cutover', state: 'AwaitSwitch', when: 'during', group: true },
      { machine: 'cutover', state: 'ScaleUp', when: 'after' },
      undefined,
    ] as const) {
      console.time('run');
      console.log(death, await runRehearsal(program.command, temporary, role, { ...base, ...(death && { death }) }));
      console.timeEnd('run');
      console.log(await leftBehind(temporary));
      console.timeLog;
      expect(await directoryFingerprint(sourceDirectory)).toEqual(before);
    }
    const { databaseUrl: _, ...embedded } = base;
    console.log(
      await runRehearsal(program.command, temporary, role, {
        ...embedded,
        death: { machine: 'cutover', state: 'AwaitSwitch', when: 'during' },
      }),
    );
    console.log(await leftBehind(temporary));
  });
});
