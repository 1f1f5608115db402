import { quoted, withClient, withSqliteCopy } from './table-bytes.ts';

/** All rows of any table of a SQLite file, sorted; a value is its class and its bytes, integers and reals alike are numbers. */
export function sqliteCells(sqlitePath: string, table: string): string[] {
  return withSqliteCopy(sqlitePath, (database) => {
    // Generated columns, which PostgreSQL has not, are not among them.
    const columns = database.pragma(`table_info(${quoted(table)})`) as { name: string }[];
    const rows = database
      .prepare(`SELECT ${columns.map(({ name }) => quoted(name)).join(', ')} FROM ${quoted(table)}`)
      .safeIntegers()
      .raw()
      .all() as unknown[][];
    return rows.map((row) => row.map(cell).join('|')).sort();
  });
}

/** The same of a table of PostgreSQL. */
export function postgresCells(url: string, table: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const { rows, fields } = await client.query<unknown[]>({
      text: `SELECT * FROM ${quoted(table)}`,
      rowMode: 'array',
    });
    // pg gives a bigint as text.
    const isBigint = fields.map(({ dataTypeID }) => dataTypeID === 20);
    return rows
      .map((row) =>
        row.map((value, place) => cell(isBigint[place] && value !== null ? BigInt(value as string) : value)).join('|'),
      )
      .sort();
  });
}

/** The columns of a table of PostgreSQL, and its primary and unique keys. */
export function shapeInPostgres(url: string, table: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ line: string }>(
      `SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END AS line
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [quoted(table)],
    );
    const { rows: keys } = await client.query<{ line: string }>(
      `SELECT conname || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype <> 'n' ORDER BY conname COLLATE "C"`,
      [quoted(table)],
    );
    return [...rows, ...keys].map(({ line }) => line);
  });
}

function cell(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `text ${Buffer.from(value).toString('hex')}`;
  if (Buffer.isBuffer(value)) return `blob ${value.toString('hex')}`;
  if (typeof value === 'bigint' && BigInt(Number(value)) !== value) return `number ${value}`;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value));
  return `number ${bytes.toString('hex')}`;
}
