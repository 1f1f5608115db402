import { Refused } from '../statemachine/errors.ts';
import { eventId, type StoredEvent } from './event-id.ts';
import type { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { encodedRows } from './source-rows.ts';
import { quoteIdentifier, type Table } from './table-kinds.ts';

interface SourceCheck {
  title: string;
  kind?: string;
  /** Throws Refused with everything that it found. */
  run(source: Source, table: Table, progress: Progress): void;
}

const LISTED_MAX = 20;

/** What a source must be to go over whole. All of it is looked at before any write stop, and all findings come at once. */
const SOURCE_CHECKS: SourceCheck[] = [
  {
    title: 'every value can stand in PostgreSQL as it is',
    run(source, table, progress) {
      const counter = progress.rows('checked', table.name, source.countRows(table));
      for (const _ of encodedRows(source, table)) counter.add(1);
      counter.end();
    },
  },
  {
    title: 'every tag belongs to an event',
    kind: 'event_tags',
    run(source, table) {
      const events = quoteIdentifier(table.after[0] as string);
      const orphans = new Findings();
      for (const row of source.query(
        `SELECT rowid, event_id FROM ${quoteIdentifier(table.name)} WHERE event_id NOT IN (SELECT id FROM ${events} WHERE id IS NOT NULL)`,
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
    kind: 'events',
    run(source, table) {
      const wrong = new Findings();
      for (const row of source.query(`SELECT rowid, * FROM ${quoteIdentifier(table.name)}`)) {
        const event = row as unknown as StoredEvent;
        if (eventId({ ...event, created_at: Number(event.created_at), kind: Number(event.kind) }) !== event.id) {
          wrong.add(`rowid ${row.rowid}, id ${event.id}`);
        }
      }
      wrong.refuse(
        (count) =>
          `${count} event(s) of "${table.name}" have an id that is not the hash of their content (NIP-01). The verification after the copy could not tell them from altered ones. Delete them in the source, then repeat:`,
      );
    },
  },
];

/** @throws Refused with the findings of all checks of all tables */
export function checkSource(source: Source, progress: Progress): void {
  const findings: string[] = [];
  for (const check of SOURCE_CHECKS) {
    for (const table of source.tables.filter(({ kind }) => check.kind === undefined || check.kind === kind)) {
      try {
        check.run(source, table, progress);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        findings.push(error.message);
      }
    }
  }
  if (findings.length > 0) throw new Refused(findings.join('\n'));
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
