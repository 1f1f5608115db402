import { describe, expect, it } from 'vitest';
import { type Parts, part, readAll } from '../../lambdas/preflight/parts.ts';

interface World {
  first: string;
  second: string;
}

describe('the parts of a world', () => {
  it('are read once, whoever asks, also where reading fails', async () => {
    let times = 0;
    const broken = part(async () => {
      times++;
      throw new Error('on purpose');
    });
    const answers = await Promise.allSettled([broken(), broken()]);
    await expect(broken()).rejects.toThrow('on purpose');
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(times).toBe(1);
  });

  it('are read one after the other, up to the first that cannot be', async () => {
    const asked: string[] = [];
    const say = (name: string, fails = false) =>
      part(() => {
        asked.push(name);
        if (fails) throw new Error(`no ${name}`);
        return name;
      });
    const good: Parts<World> = { first: say('first'), second: say('second') };
    expect(await readAll(good)).toEqual({ first: 'first', second: 'second' });
    const bad: Parts<World> = { first: say('one', true), second: say('two', true) };
    await expect(readAll(bad)).rejects.toThrow('no one');
    expect(asked).toEqual(['first', 'second', 'one']);
  });
});
