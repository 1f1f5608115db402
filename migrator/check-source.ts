import { setImmediate as pause } from 'node:timers/promises';
import type pg from 'pg';
import { Refused } from '../statemachine/errors.ts';
import { eventId, type StoredEvent } from './event-id.ts';
import type { Progress } from './progress.ts';
import { tooLargeRows } from './size-limits.ts';
import type { Source } from './source.ts';
import { encodedRows, ROWS_BETWEEN_PAUSES } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

interface SourceCheck {
  title: string;
  applies(table: Table): boolean;
  /** It reads the table row by row, as a copy does, which then looks at the same. */
  byRow?: true;
  /** @param client the target, where one is named. @throws Refused with everything that was found */
  run(source: Source, table: Table, progress: Progress, client: pg.Client | undefined): Promise<void>;
}

const LISTED_MAX = 20;

/** What a source must be to go over whole. All of it is looked at before any write stop, and all findings come at once. */
const SOURCE_CHECKS: SourceCheck[] = [
  {
    title: 'every value can stand in PostgreSQL as it is',
    applies: () => true,
    byRow: true,
    async run(source, table, progress) {
      const counter = progress.rows('checked', table.name, source.countRows(table));
      let count = 0;
      for (const _ of encodedRows(source, table)) {
        counter.add(1);
        if (++count % ROWS_BETWEEN_PAUSES === 0) await pause();
      }
      counter.end();
    },
  },
  {
    title: 'no value is larger than an index or a tsvector of the target takes',
    applies: ({ limits }) => limits.length > 0,
    async run(source, table, _progress, client) {
      if (!client) return;
      const tooLarge = new Findings();
      for await (const { rowid, columns, reason } of tooLargeRows(client, source, table))
        tooLarge.add(`rowid ${rowid}, ${columns.map((name) => `column "${name}"`).join(' and ')}: ${reason}`);
      tooLarge.refuse(
        (count) =>
          `${count} row(s) of "${table.name}" are larger than PostgreSQL takes. Shorten or remove them in the source, then repeat:`,
      );
    },
  },
  {
    title: 'every key occurs once',
    applies: ({ key }) => key !== undefined,
    async run(source, table) {
      const key = quoteIdentifier(table.key as string);
      const repeated = new Findings();
      for (const row of source.query(
        `SELECT ${key} AS value, count(*) AS count FROM ${quoteIdentifier(table.name)} WHERE ${key} IS NOT NULL GROUP BY 1 HAVING count(*) > 1`,
      )) {
        repeated.add(`${row.value}: ${row.count} times`);
      }
      repeated.refuse(
        (count) =>
          `${count} value(s) of ${key} in "${table.name}" occur more than once; the target's primary key refuses them. Remove all but one in the source, then repeat:`,
      );
    },
  },
  {
    title: 'every tag belongs to an event',
    applies: ({ kind }) => kind === 'event_tags',
    async run(source, table) {
      const events = quoteIdentifier(table.after[0] as string);
      const orphans = new Findings();
      for (const row of source.query(
        `SELECT rowid, event_id FROM ${quoteIdentifier(table.name)} AS tag WHERE event_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${events} WHERE id = tag.event_id)`,
      )) {
        orphans.add(`rowid ${row.rowid}, event_id ${row.event_id}`);
      }
      orphans.refuse(
        (count) =>
          `${count} row(s) of "${table.name}" belong to no event; the target's foreign key refuses them. Delete them in the source, then repeat:`,
      );
    },
  },
  {
    title: 'every id is the hash of its event (NIP-01)',
    applies: ({ kind }) => kind === 'events',
    byRow: true,
    async run(source, table) {
      const wrong = new Findings();
      let count = 0;
      for (const row of source.query(`SELECT rowid, * FROM ${quoteIdentifier(table.name)}`)) {
        if (!hasOwnId(row)) wrong.add(`rowid ${row.rowid}, id ${row.id}`);
        if (++count % ROWS_BETWEEN_PAUSES === 0) await pause();
      }
      wrong.refuse(
        (count) =>
          `${count} event(s) of "${table.name}" have an id that is not the hash of their content (NIP-01). The verification after the copy could not tell them from altered ones. Delete them in the source, then repeat:`,
      );
    },
  },
];

/**
 * Looks at one row that is copied as the checks by row do.
 *
 * @param values `[rowid, ...columns]`, see `Source.rows`
 * @throws Refused when it is an event with an id that is not its hash; the checks then say which ones there are
 */
export function inspectRow({ kind, columns }: Table, values: unknown[]): void {
  if (kind !== 'events') return;
  const event = Object.fromEntries(columns.map(({ name }, index) => [name, values[index + 1]]));
  if (!hasOwnId(event))
    throw new Refused(`The event ${event.id} has an id that is not the hash of its content (NIP-01).`);
}

function hasOwnId(row: Record<string, unknown>): boolean {
  const event = row as unknown as StoredEvent;
  // A large text comes as bytes.
  const content = String(event.content);
  return eventId({ ...event, content, created_at: Number(event.created_at), kind: Number(event.kind) }) === event.id;
}

/**
 * @param client the target; without one, its limits of size are not looked at
 * @param options `beforeCopy` leaves out what a copy looks at itself, row by row
 * @throws Refused with the findings of all checks of all tables; Error when the copy was torn and may be at fault itself
 */
export async function checkSource(
  source: Source,
  progress: Progress,
  client?: pg.Client,
  { beforeCopy = false } = {},
): Promise<void> {
  const findings: string[] = [];
  for (const check of SOURCE_CHECKS.filter(({ byRow }) => !(beforeCopy && byRow))) {
    for (const table of source.tables.filter(check.applies)) {
      try {
        await check.run(source, table, progress, client);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        findings.push(error.message);
      }
    }
  }
  if (findings.length === 0) return;
  // It is refused in any case, and then with all that is wrong.
  if (beforeCopy) return checkSource(source, progress, client);
  if (source.copy.still) throw new Refused(findings.join('\n'));
  throw new Error(
    `The source was checkpointed while it was copied, and the copy is not sound. Repeat it when the relay writes less.\n${findings.join('\n')}`,
  );
}

/** Counts all findings and keeps the first of them: memory must not grow with what is wrong. */
class Findings {
  private count = 0;
  private readonly listed: string[] = [];

  add(line: string): void {
    if (++this.count <= LISTED_MAX) this.listed.push(`  ${line}`);
  }

  refuse(headline: (count: number) => string): void {
    if (this.count === 0) return;
    const more = this.count > LISTED_MAX ? [`  and ${this.count - LISTED_MAX} more`] : [];
    throw new Refused([headline(this.count), ...this.listed, ...more].join('\n'));
  }
}
