import { describe, expect, it } from 'vitest';
import { inAdvance } from '../../migrator/in-advance.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work that is done in advance', () => {
  it('is given out in order, and no more items ahead than allowed', async () => {
    const log: string[] = [];
    const work = async (item: string): Promise<string> => {
      log.push(`begin ${item}`);
      await turn();
      return item.toUpperCase();
    };
    const results: string[] = [];
    for (const [item, result] of inAdvance(['a', 'b', 'c', 'd'], 1, work)) {
      results.push(item + (await result));
      log.push(`used ${item}`);
    }
    expect(results).toEqual(['aA', 'bB', 'cC', 'dD']);
    expect(log).toEqual(['begin a', 'begin b', 'used a', 'begin c', 'used b', 'begin d', 'used c', 'used d']);
  });

  it('begins nothing for whoever wants no more of it', () => {
    const begun: string[] = [];
    for (const _ of inAdvance(['a', 'b', 'c', 'd'], 2, async (item) => begun.push(item))) break;
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('tells of a failure where the result is taken', async () => {
    const results = inAdvance(['a', 'b'], 1, (item) =>
      item === 'b' ? Promise.reject(new Error('bad b')) : Promise.resolve(item),
    );
    const [, first] = results.next().value as [string, Promise<string>];
    expect(await first).toBe('a');
    await turn();
    const [, second] = results.next().value as [string, Promise<string>];
    await expect(second).rejects.toThrow('bad b');
    expect(results.next().done).toBe(true);
  });

  it('is nothing for an empty list', () => {
    expect([...inAdvance([], 2, () => Promise.resolve())]).toEqual([]);
  });
});
