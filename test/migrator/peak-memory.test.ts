import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const MODULE = new URL('../../migrator/peak-memory.ts', import.meta.url).href;

/** What a program says that uses `mebibytes`, started by one that uses 600. */
function measuredBelowLargeParent(mebibytes: number): number {
  const measuring = `const used = Buffer.alloc(${mebibytes} << 20, 1);
    import(${JSON.stringify(MODULE)}).then(({ peakMemoryMebibytes }) => console.log(peakMemoryMebibytes(), used.length));`;
  const parent = `const used = Buffer.alloc(600 << 20, 1);
    const options = { stdio: 'inherit' };
    require('node:child_process').execFileSync(process.execPath, ['--import', 'tsx', '-e', ${JSON.stringify(measuring)}], options);`;
  return Number.parseInt(execFileSync(process.execPath, ['-e', parent], { encoding: 'utf8' }), 10);
}

it('is that of the program itself, and not of the one that has started it', () => {
  const little = measuredBelowLargeParent(0);
  const more = measuredBelowLargeParent(200);
  expect(little).toBeGreaterThan(20);
  expect(little).toBeLessThan(300);
  expect(more - little).toBeGreaterThan(150);
  expect(more).toBeLessThan(600);
});
