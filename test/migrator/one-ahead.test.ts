import { describe, expect, it } from 'vitest';
import { oneAhead } from '../../migrator/one-ahead.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work that is one item ahead', () => {
  it('is done in order, one at a time, and the next one while a result is used', async () => {
    const log: string[] = [];
    const work = async (item: string): Promise<string> => {
      log.push(`begin ${item}`);
      await turn();
      log.push(`end ${item}`);
      return item.toUpperCase();
    };
    const results: string[] = [];
    for await (const [item, result] of oneAhead(['a', 'b', 'c'], work)) {
      results.push(item + (await result));
      await turn();
      await turn();
      log.push(`used ${item}`);
    }
    expect(results).toEqual(['aA', 'bB', 'cC']);
    expect(log).toEqual(['begin a', 'end a', 'begin b', 'end b', 'used a', 'begin c', 'end c', 'used b', 'used c']);
  });

  it('is waited for when nobody wants more of it, and begins nothing then', async () => {
    const log: string[] = [];
    const work = async (item: string): Promise<void> => {
      await turn();
      log.push(item);
    };
    const stop = async (): Promise<void> => {
      for await (const [, result] of oneAhead(['a', 'b', 'c'], work)) {
        await result;
        throw new Error('enough');
      }
    };
    await expect(stop()).rejects.toThrow('enough');
    expect(log).toEqual(['a', 'b']);
  });

  it('tells of a failure where the result is taken', async () => {
    const results = oneAhead(['a', 'b'], (item) =>
      item === 'b' ? Promise.reject(new Error('bad b')) : Promise.resolve(item),
    );
    const first = (await results.next()).value as [string, Promise<string>];
    expect(await first[1]).toBe('a');
    const second = (await results.next()).value as [string, Promise<string>];
    await expect(second[1]).rejects.toThrow('bad b');
    expect((await results.next()).done).toBe(true);
  });

  it('is nothing for an empty list', async () => {
    expect((await oneAhead([], () => Promise.resolve()).next()).done).toBe(true);
  });
});
