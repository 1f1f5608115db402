import { constants, copyFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { eventId, type StoredEvent } from '../migrator/event-id.ts';
import { SCHEMA } from './source.ts';

type Row = StoredEvent & { created_at: number; sig: string };

/** Of 400 events one is replaced, one goes and two come: 1% altogether, in every part of the file. */
const REPLACED = 'rowid % 400 = 0';
const DELETED = 'rowid % 400 = 100';
const ADDED_AFTER = 'rowid % 200 = 50';
const CHANGED_KEY_VALUES = 'rowid % 100 = 0';
const SECONDS_LATER = 86_400;

/**
 * Copies a generated file and changes 1% of its rows as a relay does: events with ids that are the hash of their fields
 * (NIP-01), the tags of each with it, full-text index included.
 */
export function changeSource(path: string, changedPath: string): void {
  copyFileSync(path, changedPath, constants.COPYFILE_FICLONE);
  const database = new Database(changedPath);
  try {
    // The tags of an event go with it.
    database.pragma('foreign_keys = ON');
    database.transaction(() => change(database))();
  } finally {
    database.close();
  }
}

function change(database: Database.Database): void {
  const select = (condition: string): Row[] =>
    database.prepare(`SELECT * FROM ${SCHEMA}__events WHERE ${condition}`).all() as Row[];
  const deleted = select(DELETED);
  const replaced = select(REPLACED);
  const added = select(ADDED_AFTER);

  const insertEvent = database.prepare(
    `INSERT INTO ${SCHEMA}__events VALUES (@id, @created_at, @kind, @pubkey, @content, @tags, @sig)`,
  );
  const insertTag = database.prepare(`INSERT INTO ${SCHEMA}__event_tags VALUES (?, ?, ?)`);
  const add = (event: Row): void => {
    const id = eventId(event) as string;
    insertEvent.run({ ...event, id });
    for (const [key, value] of JSON.parse(event.tags) as [string, string][]) insertTag.run(id, key, value);
  };
  const remove = database.prepare(`DELETE FROM ${SCHEMA}__events WHERE id = ?`);
  for (const { id } of [...deleted, ...replaced]) remove.run(id);
  for (const event of replaced) add({ ...event, content: `${event.content} (corrected)` });
  for (const event of added) add({ ...event, created_at: event.created_at + SECONDS_LATER });
  database.prepare(`UPDATE kv SET value = value || ' changed' WHERE ${CHANGED_KEY_VALUES}`).run();
}
