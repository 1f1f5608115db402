import { describe, expect, it } from 'vitest';
import { RowEncoder } from '../../migrator/row-encoding.ts';
import type { Column } from '../../migrator/table-kinds.ts';

const TEXT: Column[] = [{ name: 'text', type: 'text' }];
const COLUMNS: Column[] = [
  { name: 'word', type: 'text' },
  { name: 'large', type: 'int8' },
  { name: 'small', type: 'int4' },
];

function encode(columns: Column[], ...values: unknown[]): unknown {
  const encoded = new RowEncoder(columns).encode(values, 0);
  return Buffer.isBuffer(encoded) ? encoded.toString('hex') : encoded;
}

describe('the encoding of a row', () => {
  it('is for each column its length and its bytes, as the binary format of COPY has them', () => {
    expect(encode(COLUMNS, Buffer.from('hé'), -2n, 258n)).toBe(
      '00000003' + '68c3a9' + '00000008' + 'fffffffffffffffe' + '00000004' + '00000102',
    );
    expect(encode(TEXT, Buffer.alloc(0))).toBe('00000000');
  });

  it('puts the number of columns before the fields of a tuple, and further fields behind them', () => {
    const encoder = new RowEncoder(TEXT);
    const fields = encoder.encode([Buffer.from('a')], 0) as Buffer;
    expect(encoder.tuple(fields).toString('hex')).toBe('0001' + '0000000161');
    expect(encoder.tuple(fields, Buffer.from('bc')).toString('hex')).toBe('0002' + '0000000161' + '000000026263');
  });

  it('keeps what it has written when a value outgrows its buffer', () => {
    const encoder = new RowEncoder([...TEXT, ...TEXT]);
    const [short, long] = [Buffer.from('short'), Buffer.alloc(1_000_000, 'x')];
    const fields = encoder.encode([short, long], 0) as Buffer;
    expect(
      fields.equals(Buffer.concat([Buffer.from([0, 0, 0, 5]), short, Buffer.from([0, 0x0f, 0x42, 0x40]), long])),
    ).toBe(true);
    const extra = Buffer.alloc(2_000_000, 'y');
    const tuple = encoder.tuple(fields, extra);
    expect(tuple.subarray(2, 7).toString('hex')).toBe('0000000573');
    expect(tuple.subarray(-2_000_000).equals(extra)).toBe(true);
  });

  it('takes the smallest and the largest integer of each type and no other', () => {
    const limits = { int8: 2n ** 63n, int4: 2n ** 31n } as const;
    for (const [type, limit] of Object.entries(limits)) {
      const columns = [{ name: 'n', type }] as Column[];
      expect(encode(columns, -limit)).toBe(`0000000${type === 'int8' ? 8 : 4}8${'0'.repeat(type === 'int8' ? 15 : 7)}`);
      expect(encode(columns, limit - 1n)).toBe(
        `0000000${type === 'int8' ? 8 : 4}7${'f'.repeat(type === 'int8' ? 15 : 7)}`,
      );
      for (const value of [limit, -limit - 1n])
        expect(encode(columns, value)).toEqual({ column: 'n', reason: `${value} is out of the range of ${type}` });
    }
  });

  it.each([
    [null, 'not text'],
    [Buffer.from('a\0b'), 'a NUL byte, which PostgreSQL cannot hold'],
    [Buffer.from([0xff]), 'invalid UTF-8'],
    [Buffer.from([0xc0, 0xaf]), 'invalid UTF-8'],
    [Buffer.from([0xed, 0xa0, 0x80]), 'invalid UTF-8'],
    [Buffer.from([0xf4, 0x90, 0x80, 0x80]), 'invalid UTF-8'],
    [Buffer.from('é').subarray(0, 1), 'invalid UTF-8'],
  ])('does not take %j for text', (value, reason) => {
    expect(encode(TEXT, value)).toEqual({ column: 'text', reason });
  });

  it('does not take null for an integer', () => {
    expect(encode(COLUMNS, Buffer.from(''), null, 1n)).toEqual({ column: 'large', reason: 'not an integer' });
  });

  it('is the same where it is lenient, and for what PostgreSQL cannot hold one that no row of it has', () => {
    const lenient = (...values: unknown[]) =>
      (new RowEncoder(COLUMNS, { lenient: true }).encode(values, 0) as Buffer).toString('hex');
    const fits = [Buffer.from('hé'), -(2n ** 63n), -(2n ** 31n)];
    expect(lenient(...fits)).toBe(encode(COLUMNS, ...fits));
    expect(lenient(Buffer.from('a\0b'), null, 2n ** 31n)).toBe(
      '00000003' + '610062' + 'ffffffff' + '00000008' + '0000000080000000',
    );
    expect(lenient(null, 1n, -(2n ** 31n) - 1n)).toBe(
      'ffffffff' + '00000008' + '0000000000000001' + '00000008' + 'ffffffff7fffffff',
    );
    expect(lenient(Buffer.alloc(200_000, 0xff), 1n, 1n)).toHaveLength(2 * (4 + 200_000 + 12 + 8));
  });
});
