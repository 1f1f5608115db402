import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesOf, DigestSum, hashRow, lanesToHex, parseDigest, tableDigestSql } from '../../migrator/digest.ts';
import { genericTable } from '../../migrator/generic-table.ts';
import { RowEncoder } from '../../migrator/row-encoding.ts';
import { classify, type Table } from '../../migrator/table-kinds.ts';
import { freshDatabase } from '../support/postgres.ts';
import { randomNumbers } from '../support/relay-source.ts';
import { withClient } from '../support/table-bytes.ts';

const MODULUS = 2n ** 64n;

/** The same sum in the simplest way: no words, no carries. */
function expectedDigest(hashes: Buffer[]): string {
  return [0, 8, 16, 24]
    .map((offset) => hashes.reduce((sum, hash) => (sum + hash.readBigUInt64BE(offset)) % MODULUS, 0n))
    .map((lane) => lane.toString(16).padStart(16, '0'))
    .join('');
}

function digestOf(hashes: Buffer[]): string {
  const sum = new DigestSum();
  for (const hash of hashes) sum.add(hash.toString('latin1'));
  return sum.result().digest;
}

const hashes = Array.from({ length: 300 }, (_, index) => bytesOf(hashRow(Buffer.from(`row ${index}`))));

describe('the digest of a table', () => {
  it('hashes a row by SHA-256', () => {
    expect(bytesOf(hashRow(Buffer.from('row'))).toString('hex')).toBe(createHash('sha256').update('row').digest('hex'));
  });

  it('is the sum of the row hashes as four numbers of 64 bits', () => {
    expect(digestOf(hashes)).toBe(expectedDigest(hashes));
    expect(digestOf([])).toBe('0'.repeat(64));
    const largest = Array.from({ length: 5 }, () => Buffer.alloc(32, 0xff));
    expect(digestOf(largest)).toBe('fffffffffffffffb'.repeat(4));
  });

  it('stays exact where a million rows carry over from one word to the next', () => {
    const largest = Buffer.alloc(32, 0xff).toString('latin1');
    const sum = new DigestSum();
    for (let count = 0; count < 2 ** 20 + 3; count++) sum.add(largest);
    const lane = ((MODULUS - 1n) * BigInt(2 ** 20 + 3)) % MODULUS;
    expect(sum.result()).toEqual({ rows: 2 ** 20 + 3, digest: lane.toString(16).padStart(16, '0').repeat(4) });
  });

  it('does not depend on the order of rows and does on how often each occurs', () => {
    expect(digestOf([...hashes].reverse())).toBe(digestOf(hashes));
    const [first, second] = hashes as [Buffer, Buffer];
    const all = [[first], [first, first], [first, first, first], [second], [first, second], [second, second], []];
    expect(new Set(all.map(digestOf)).size).toBe(all.length);
  });

  it('takes the signed sums of PostgreSQL for the unsigned ones', () => {
    expect(lanesToHex([-1n, -(2n ** 63n), 2n ** 64n + 5n, -(2n ** 70n)])).toBe(
      'ffffffffffffffff' + '8000000000000000' + '0000000000000005' + '0000000000000000',
    );
  });

  it('comes out alike for every type of a generic table, NULL and all', async () => {
    const types = ['text', 'int8', 'float8', 'bytea'] as const;
    const table = genericTable(
      'odd "name',
      types.map((type) => ({ name: `a ${type}`, type, nullable: true as const })),
    );
    const random = randomNumbers(6);
    const bytes = (count: number): Buffer =>
      Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
    const double = (): number => {
      const value = bytes(8).readDoubleBE();
      return Number.isNaN(value) ? -0 : value;
    };
    const rows = Array.from({ length: 300 }, () => [
      random() < 0.2 ? null : bytes(3).toString('hex'),
      random() < 0.2 ? null : bytes(8).readBigInt64BE(),
      random() < 0.2
        ? null
        : random() < 0.5
          ? double()
          : ([0, -0, Infinity, -Infinity][Math.floor(random() * 4)] as number),
      random() < 0.2 ? null : bytes(Math.floor(random() * 9)),
    ]);
    const encoder = new RowEncoder(table.columns);
    const sum = new DigestSum();
    for (const row of rows) {
      const values = row.map((value) => (typeof value === 'string' ? Buffer.from(value) : value));
      sum.add(hashRow(encoder.encode(values, 0) as Buffer));
    }
    const { url } = await freshDatabase();
    const inSql = await withClient(url, async (client) => {
      for (const statement of table.create) await client.query(statement);
      // A number on its way into SQL must not lose the sign of its zero.
      const sent = (value: unknown): unknown => (Object.is(value, -0) ? '-0' : value);
      for (const row of rows) await client.query('INSERT INTO "odd ""name" VALUES ($1, $2, $3, $4)', row.map(sent));
      return parseDigest((await client.query(tableDigestSql(table))).rows[0]);
    });
    expect(inSql).toEqual(sum.result());
  });

  it('comes out alike in JavaScript and in SQL', async () => {
    const table = classify('relay__events') as Table;
    const random = randomNumbers(5);
    const text = (): string =>
      Array.from({ length: Math.floor(random() * 20) }, () =>
        String.fromCodePoint([9, 10, 65, 92, 228, 0x6f22, 0x1f680][Math.floor(random() * 7)] as number),
      ).join('');
    const rows = Array.from({ length: 200 }, (_, index) => [
      `id ${index}`,
      BigInt(Math.floor((random() - 0.5) * 2 ** 60)),
      BigInt(Math.floor((random() - 0.5) * 2 ** 31)),
      ...[text(), text(), text(), text()],
    ]);
    const encoder = new RowEncoder(table.columns);
    const sum = new DigestSum();
    for (const row of rows) {
      const values = row.map((value) => (typeof value === 'string' ? Buffer.from(value) : value));
      sum.add(hashRow(encoder.encode(values, 0) as Buffer));
    }
    const { url } = await freshDatabase();
    const inSql = await withClient(url, async (client) => {
      for (const statement of table.create) await client.query(statement);
      const empty = parseDigest((await client.query(tableDigestSql(table))).rows[0]);
      expect(empty).toEqual({ rows: 0, digest: '0'.repeat(64) });
      for (const row of rows) await client.query('INSERT INTO relay__events VALUES ($1, $2, $3, $4, $5, $6, $7)', row);
      return parseDigest((await client.query(tableDigestSql(table))).rows[0]);
    });
    expect(inSql).toEqual(sum.result());
  });

  it('is computed by all processors of the server, once for each row', async () => {
    const table = classify('relay__events') as Table;
    const { url } = await freshDatabase();
    const plan = await withClient(url, async (client) => {
      for (const statement of table.create) await client.query(statement);
      await client.query(
        'SET min_parallel_table_scan_size TO 0; SET parallel_setup_cost TO 0; SET parallel_tuple_cost TO 0',
      );
      const { rows } = await client.query(`EXPLAIN (VERBOSE) ${tableDigestSql(table)}`);
      return rows.map((row) => row['QUERY PLAN'] as string).join('\n');
    });
    expect(plan).toMatch(/Workers Planned: [1-9]/);
    // What a scan hands up is computed there; of a subquery that is dissolved it would hand up columns.
    expect(plan).toMatch(/Parallel Seq Scan on .+\n +Output: CASE .+sha256\(/);
  });
});
