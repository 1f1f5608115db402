import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const PROGRAM = `
  const { atExit } = await import('./rehearsal/at-exit.ts');
  for (let number = 1; number <= 20; number++) atExit(() => console.log(number));
  atExit(() => { throw new Error('it cannot be removed'); });
  const orderly = atExit(() => console.log('done twice'));
  orderly();
  orderly();
  console.log(process.listenerCount('exit'));
  process.exit(3);
`;

describe('what is done when the process ends', () => {
  it('is all that was not done before, the last first, whatever fails of it, behind one listener', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', PROGRAM],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: 'At the end of the process: Error: it cannot be removed\n',
    });
    expect(stdout.trim().split('\n').slice(1)).toEqual(Array.from({ length: 20 }, (_, index) => String(20 - index)));
    // tsx has one of its own.
    expect(Number(stdout.split('\n')[0])).toBeLessThanOrEqual(2);
  });
});
