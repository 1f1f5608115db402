import { describe, expect, it } from 'vitest';
import { copied } from '../../simulation/copies.ts';

const VALUES: unknown[] = [
  ...[null, undefined, 1, 'text', [], [1, [2]]],
  { a: { b: [{ c: undefined }] } },
  { at: new Date(0), of: new Map([[1, 2]]) },
];

describe('copies in the simulation', () => {
  it('are what structuredClone gives', () => {
    expect(VALUES.map((value) => copied(value))).toStrictEqual(VALUES.map((value) => structuredClone(value)));
  });

  it('share nothing with the original', () => {
    const original = { list: [{ at: new Date(0) }] };
    const copy = copied(original);
    expect(copy.list).not.toBe(original.list);
    expect(copy.list[0]).not.toBe(original.list[0]);
    expect(copy.list[0]?.at).not.toBe(original.list[0]?.at);
  });
});
