import { setImmediate as pause } from 'node:timers/promises';
import type pg from 'pg';
import { hasOwnId } from './own-id.ts';
import type { Finding, Progress } from './progress.ts';
import { sentRows } from './row-reader.ts';
import { tooLargeRows } from './size-limits.ts';
import type { Source } from './source.ts';
import { faultsOf, ROWS_BETWEEN_PAUSES, rowsOrFaults } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

/** A row that is not as it should be. */
export type Found = Pick<Finding, 'rowid' | 'faults'>;

interface SourceCheck {
  title: string;
  /** Says of `count` rows of a table what is wrong with them; what to do comes behind it. */
  headline(count: number, table: Table): string;
  advice: string;
  applies(table: Table): boolean;
  /** It reads the table row by row, as a copy does, which then looks at the same. */
  byRow?: true;
  /** Gives each row once, in whatever order. @param client the target, where one is named */
  find(source: Source, table: Table, progress: Progress, client: pg.Client | undefined): AsyncIterable<Found>;
}

const SHOWN_CHARACTERS_MAX = 80;

/**
 * What a source must be to go over whole. The order counts where rows are kept back: what the first checks keep back, the
 * later ones do not see, so that of repeated keys the first sound row stays, and the tags go where their event goes.
 */
export const SOURCE_CHECKS: SourceCheck[] = [
  {
    title: 'every value can stand in PostgreSQL as it is',
    headline: (count, { name }) => `${count} row(s) of "${name}" cannot stand in PostgreSQL as they are.`,
    advice: 'Correct or remove them in the source, then repeat',
    applies: () => true,
    byRow: true,
    async *find(source, table, progress) {
      const counter = progress.rows('checked', table.name, source.countRows(table));
      let count = 0;
      for (const row of rowsOrFaults(source, table)) {
        if (!Buffer.isBuffer(row)) yield { rowid: row.rowid, faults: faultsOf(source, table, row) };
        counter.add(1);
        if (++count % ROWS_BETWEEN_PAUSES === 0) await pause();
      }
      counter.end();
    },
  },
  {
    title: 'no value is larger than an index or a tsvector of the target takes',
    headline: (count, { name }) => `${count} row(s) of "${name}" are larger than PostgreSQL takes.`,
    advice: 'Shorten or remove them in the source, then repeat',
    applies: ({ limits }) => limits.length > 0,
    async *find(source, table, _progress, client) {
      if (!client) return;
      for await (const { rowid, columns, reason } of tooLargeRows(client, source, table))
        yield { rowid, faults: [{ columns, seen: reason }] };
    },
  },
  {
    title: 'every id is the hash of its event (NIP-01)',
    headline: (count, { name }) =>
      `${count} event(s) of "${name}" have an id that is not the hash of their content (NIP-01). The verification after the copy could not tell them from altered ones.`,
    advice: 'Delete them in the source, then repeat',
    applies: ({ kind }) => kind === 'events',
    byRow: true,
    async *find(source, table) {
      let count = 0;
      for (const row of source.query(`SELECT rowid, * FROM ${sentRows(table, source.keptBack)}`)) {
        const { rowid, id } = row;
        if (!hasOwnId(row)) {
          yield {
            rowid: rowid as bigint,
            faults: [{ columns: ['id'], seen: `${shown(id)} is not the hash of the event (NIP-01)` }],
          };
        }
        if (++count % ROWS_BETWEEN_PAUSES === 0) await pause();
      }
    },
  },
  {
    title: 'every key occurs once',
    headline: (count, { name }) =>
      `${count} row(s) of "${name}" have the key of an earlier row; the target's primary key refuses them.`,
    advice: 'Remove them in the source, then repeat',
    applies: ({ key }) => key !== undefined,
    async *find(source, table) {
      const column = table.key as string;
      const key = `${quoteIdentifier(column)} COLLATE BINARY`;
      for (const { rowid, value, first } of source.query(
        `SELECT other.rowid AS rowid, repeated.value AS value, repeated.first AS first
         FROM (SELECT ${key} AS value, min(rowid) AS first FROM ${sentRows(table, source.keptBack)}
               WHERE ${key} IS NOT NULL GROUP BY ${key} HAVING count(*) > 1) AS repeated
         CROSS JOIN ${sentRows(table, source.keptBack)} AS other ON other.${key} = repeated.value
         WHERE other.rowid > repeated.first ORDER BY 1`,
      )) {
        yield {
          rowid: rowid as bigint,
          faults: [{ columns: [column], seen: `${shown(value)} stands in rowid ${first} too` }],
        };
      }
    },
  },
  {
    title: 'every tag belongs to an event',
    headline: (count, { name }) =>
      `${count} row(s) of "${name}" belong to no event; the target's foreign key refuses them.`,
    advice: 'Delete them in the source, then repeat',
    applies: ({ kind }) => kind === 'event_tags',
    async *find(source, table) {
      const events = source.tables.find(({ name }) => name === table.after[0]) as Table;
      for (const { rowid, event_id, stays_out } of source.query(
        `SELECT rowid, event_id, event_id IN (SELECT id FROM ${quoteIdentifier(events.name)}) AS stays_out
         FROM ${sentRows(table, source.keptBack)} AS tag WHERE event_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM ${sentRows(events, source.keptBack)} WHERE id = tag.event_id)`,
      )) {
        const seen = stays_out
          ? `the event ${shown(event_id)} is in quarantine`
          : `there is no event ${shown(event_id)}`;
        yield { rowid: rowid as bigint, faults: [{ columns: ['event_id'], seen }] };
      }
    },
  },
];

/** A value on one line, however long it is and whatever is in it. */
function shown(value: unknown): string {
  if (typeof value !== 'string')
    return Buffer.isBuffer(value) ? `x'${value.toString('hex', 0, SHOWN_CHARACTERS_MAX / 2)}'` : String(value);
  return JSON.stringify(value.length > SHOWN_CHARACTERS_MAX ? `${value.slice(0, SHOWN_CHARACTERS_MAX)}...` : value);
}
