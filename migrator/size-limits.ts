import type pg from 'pg';
import type { Source } from './source.ts';
import { quoteIdentifier, type SizeLimit, type Table } from './table-kinds.ts';

/** Source: PostgreSQL manual, Appendix A: program_limit_exceeded. */
const LIMIT_EXCEEDED = '54000';

export interface TooLarge {
  rowid: bigint;
  columns: string[];
  /** The server's own words, with its figures. */
  reason: string;
}

/**
 * Tries large values of the source on the server, in temporary tables of a transaction that is rolled back: whether an
 * index or a tsvector takes a value depends on how well it compresses and on its words.
 *
 * @returns each row that the target would refuse
 */
export async function* tooLargeRows(client: pg.Client, source: Source, table: Table): AsyncGenerator<TooLarge> {
  for (const limit of table.limits) {
    await client.query('BEGIN');
    try {
      for (const statement of limit.create) await client.query(statement);
      for (const { rowid, ...values } of source.query(candidates(table, limit))) {
        const reason = await refusal(client, limit, Object.values(values));
        if (reason !== undefined) yield { rowid: rowid as bigint, columns: limit.columns, reason };
      }
    } finally {
      await client.query('ROLLBACK').catch(() => {});
    }
  }
}

/** Rows with NUL or invalid UTF-8 are not among them: they are found elsewhere, and the server would not get as far. */
function candidates(table: Table, { columns, bytesMax }: SizeLimit): string {
  const names = columns.map(quoteIdentifier);
  const blobs = names.map((name) => `CAST(${name} AS BLOB) AS ${name}`).join(', ');
  const bytes = names.map((name) => `coalesce(octet_length(${name}), 0)`).join(' + ');
  // An alias of the rowid would give its name to the column.
  return `SELECT rowid AS rowid, ${blobs} FROM ${quoteIdentifier(table.name)} WHERE ${bytes} > ${bytesMax}`;
}

async function refusal(client: pg.Client, limit: SizeLimit, values: unknown[]): Promise<string | undefined> {
  await client.query('SAVEPOINT trial');
  try {
    await client.query(limit.trial, values);
    return undefined;
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    if (code === LIMIT_EXCEEDED) return message;
    if (code.startsWith('22')) return undefined;
    throw error;
  } finally {
    // Each value is tried alone: a row that stayed would make the temporary table as large as the source.
    await client.query('ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial').catch(() => {});
  }
}
