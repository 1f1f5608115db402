import { describe, expect, it } from 'vitest';
import { RowEncoder } from '../../migrator/row-encoding.ts';
import type { Column } from '../../migrator/table-kinds.ts';
import { freshDatabase } from '../support/postgres.ts';
import { withClient } from '../support/table-bytes.ts';

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

/** A record as `record_send` writes it: OIDs of the types, lengths and bytes. */
const OIDS = { text: '00000019', int8: '00000014', int4: '00000017', float8: '000002bd', bytea: '00000011' };

describe('the encoding of a row', () => {
  it('is the number of columns and for each its type, its length and its bytes', () => {
    expect(encode(COLUMNS, Buffer.from('hé'), -2n, 258n)).toBe(
      `00000003${OIDS.text}0000000368c3a9${OIDS.int8}00000008fffffffffffffffe${OIDS.int4}0000000400000102`,
    );
    expect(encode(TEXT, Buffer.alloc(0))).toBe(`00000001${OIDS.text}00000000`);
  });

  it('is the same by the server', async () => {
    const { url } = await freshDatabase();
    const { rows } = await withClient(url, (client) =>
      client.query("SELECT encode(record_send(ROW('hé'::text, -2::int8, 258::int4)), 'hex') AS record"),
    );
    expect(encode(COLUMNS, Buffer.from('hé'), -2n, 258n)).toBe(rows[0].record);
  });

  it('makes a tuple without the types, with further fields behind those of the row', () => {
    const encoder = new RowEncoder([...TEXT, { name: 'n', type: 'int4' }]);
    const record = encoder.encode([Buffer.from('a'), 5n], 0) as Buffer;
    expect(encoder.tuple(record).toString('hex')).toBe('0002' + '0000000161' + '0000000400000005');
    expect(encoder.tuple(record, Buffer.from('bc')).toString('hex')).toBe(
      '0003' + '0000000161' + '0000000400000005' + '000000026263',
    );
  });

  it.each([
    [['hé', -2n, 258n]],
    [['', 2n ** 63n - 1n, -(2n ** 31n)]],
    [['\u{1f680} \ud7ff\ue000 \ufeff\ufffe', 0n, 0n]],
    [['x'.repeat(200_000), 1n, 1n]],
  ])('is the same from strings as from bytes (%#)', (values) => {
    const encoder = new RowEncoder(COLUMNS);
    const fast = encoder.encodeText(values, 0)?.toString('hex');
    expect(fast).toBe(encode(COLUMNS, Buffer.from(values[0] as string), values[1], values[2]));
  });

  it.each([
    ['a\0b', 1n, 1n],
    ['a\ufffdb', 1n, 1n],
    [Buffer.from('a'), 1n, 1n],
    [null, 1n, 1n],
    ['a', 1.5, 1n],
    ['a', 2n ** 63n, 1n],
    ['a', 1n, 2n ** 31n],
    ['a', null, 1n],
  ])('leaves it to the bytes whether a row fits (%#)', (...values) => {
    expect(new RowEncoder(COLUMNS).encodeText(values, 0)).toBeUndefined();
  });

  it('keeps what it has written when a value outgrows its buffer', () => {
    const encoder = new RowEncoder([...TEXT, ...TEXT]);
    const [short, long] = [Buffer.from('short'), Buffer.alloc(1_000_000, 'x')];
    const record = encoder.encode([short, long], 0) as Buffer;
    const header = (bytes: string): Buffer => Buffer.from(OIDS.text + bytes, 'hex');
    expect(
      record.equals(Buffer.concat([Buffer.from([0, 0, 0, 2]), header('00000005'), short, header('000f4240'), long])),
    ).toBe(true);
    const extra = Buffer.alloc(2_000_000, 'y');
    const tuple = encoder.tuple(record, extra);
    expect(tuple.subarray(2, 7).toString('hex')).toBe('0000000573');
    expect(tuple.subarray(-2_000_000).equals(extra)).toBe(true);
  });

  it('takes the smallest and the largest integer of each type and no other', () => {
    const limits = { int8: 2n ** 63n, int4: 2n ** 31n } as const;
    for (const [type, limit] of Object.entries(limits)) {
      const columns = [{ name: 'n', type }] as Column[];
      const header = `00000001${OIDS[type as keyof typeof OIDS]}0000000${type === 'int8' ? 8 : 4}`;
      expect(encode(columns, -limit)).toBe(`${header}8${'0'.repeat(type === 'int8' ? 15 : 7)}`);
      expect(encode(columns, limit - 1n)).toBe(`${header}7${'f'.repeat(type === 'int8' ? 15 : 7)}`);
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

  it('has a double as its eight bytes, and integers as long as they are exact', () => {
    const double: Column[] = [{ name: 'n', type: 'float8' }];
    for (const [value, bytes] of [
      [1.5, '3ff8000000000000'],
      [-0, '8000000000000000'],
      [0, '0000000000000000'],
      [-Infinity, 'fff0000000000000'],
      [5e-324, '0000000000000001'],
      [2n ** 53n, '4340000000000000'],
      [-1n, 'bff0000000000000'],
    ] as const)
      expect(encode(double, value)).toBe(`00000001${OIDS.float8}00000008${bytes}`);
    for (const value of [2n ** 53n + 1n, -(2n ** 53n) - 1n])
      expect(encode(double, value)).toEqual({ column: 'n', reason: `${value} is not exact in float8` });
    expect(encode(double, null)).toEqual({ column: 'n', reason: 'not a number' });
    expect(encode(double, Buffer.alloc(0))).toEqual({ column: 'n', reason: 'not a number' });
  });

  it('has a blob as it is, whatever its bytes', () => {
    const blob: Column[] = [{ name: 'b', type: 'bytea' }];
    expect(encode(blob, Buffer.from([0, 0xff]))).toBe(`00000001${OIDS.bytea}0000000200ff`);
    expect(encode(blob, 0n)).toEqual({ column: 'b', reason: 'not a blob' });
  });

  it('has NULL as the length -1, where a column may be NULL', () => {
    const columns = (['text', 'int8', 'int4', 'float8', 'bytea'] as const).map((type) => ({
      name: type,
      type,
      nullable: true as const,
    }));
    const nulls = columns.map(({ type }) => `${OIDS[type]}ffffffff`).join('');
    expect(encode(columns, null, null, null, null, null)).toBe(`00000005${nulls}`);
    // What comes in the place of a value of another class is not NULL.
    const others = [0n, Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0), 0n];
    for (const [place, column] of columns.entries()) {
      expect(encode([column], others[place])).toMatchObject({ column: column.name });
      const lenient = new RowEncoder([column], { lenient: true }).encode([others[place]], 0);
      expect((lenient as Buffer).toString('hex')).toBe(`00000001${OIDS[column.type]}fffffffe`);
    }
  });

  it('is the same where it is lenient, and for what PostgreSQL cannot hold one that no row of it has', () => {
    const lenient = (...values: unknown[]) =>
      (new RowEncoder(COLUMNS, { lenient: true }).encode(values, 0) as Buffer).toString('hex');
    const fits = [Buffer.from('hé'), -(2n ** 63n), -(2n ** 31n)];
    expect(lenient(...fits)).toBe(encode(COLUMNS, ...fits));
    expect(lenient(Buffer.from('a\0b'), null, 2n ** 31n)).toBe(
      `00000003${OIDS.text}00000003610062${OIDS.int8}ffffffff${OIDS.int8}000000080000000080000000`,
    );
    expect(lenient(null, 1n, -(2n ** 31n) - 1n)).toBe(
      `00000003${OIDS.text}ffffffff${OIDS.int8}000000080000000000000001${OIDS.int8}00000008ffffffff7fffffff`,
    );
    expect(lenient(Buffer.alloc(200_000, 0xff), 1n, 1n)).toHaveLength(2 * (4 + 8 + 200_000 + 16 + 12));
  });
});
