import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fingerprint, makeScratchCopy } from '../../migrator/scratch-copy.ts';
import { fileStates } from '../support/file-states.ts';
import { migratePlace } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource, eventWriter, generateEvent, randomNumbers } from '../support/relay-source.ts';
import { postgresBytes, sqliteBytes } from '../support/table-bytes.ts';

/** A database of about 40 MB with rows in its WAL; it stays open, so that the WAL stays too. */
async function openDatabase(): Promise<{ path: string; database: Database.Database }> {
  const path = join(await temporaryDirectory(), 'db');
  createRelaySource(path, { events: 10, fullText: false });
  const database = new Database(path);
  onTestFinished(() => void database.close());
  database.exec(
    `CREATE TABLE kept (filling); INSERT INTO kept VALUES (zeroblob(40000000)); PRAGMA wal_checkpoint(TRUNCATE)`,
  );
  eventWriter(database)(generateEvent(randomNumbers(9)));
  return { path, database };
}

/** Copies the database and lets something happen to it when the first bytes are read and most are not. */
async function copyDuring(path: string, happening: () => void): Promise<boolean> {
  const copy = join(await temporaryDirectory(), 'db');
  const copying = fingerprint(path, copy);
  while (!existsSync(copy)) await pause();
  expect(statSync(copy).size).toBeLessThan(40_000_000);
  happening();
  return (await copying).still;
}

describe('the scratch copy', () => {
  it('is whole when the relay only adds to the WAL meanwhile', async () => {
    const { path, database } = await openDatabase();
    expect(await copyDuring(path, () => eventWriter(database)(generateEvent(randomNumbers(10))))).toBe(true);
  });

  it('counts as torn when a checkpoint changes the database meanwhile', async () => {
    const { path, database } = await openDatabase();
    expect(await copyDuring(path, () => database.pragma('wal_checkpoint(PASSIVE)'))).toBe(false);
  });

  it('counts as torn when SQLite begins the WAL anew meanwhile, with the database as it was', async () => {
    const { path, database } = await openDatabase();
    database.pragma('wal_checkpoint(PASSIVE)');
    const before = statSync(path);
    expect(await copyDuring(path, () => eventWriter(database)(generateEvent(randomNumbers(11))))).toBe(false);
    expect(statSync(path).mtimeMs).toBe(before.mtimeMs);
  });

  it('names every file with its size, time and SHA-256, and is gone after its removal', async () => {
    const { path } = await openDatabase();
    const scratch = await temporaryDirectory();
    const copy = await makeScratchCopy(path, scratch);
    expect(copy.files).toEqual(
      ['db', 'db-wal'].map((file) => {
        const beside = join(path, '..', file);
        const { size, mtime } = statSync(beside);
        const sha256 = createHash('sha256').update(readFileSync(beside)).digest('hex');
        return { file, bytes: size, modified: mtime.toISOString(), sha256 };
      }),
    );
    expect(readFileSync(copy.path).equals(readFileSync(path))).toBe(true);
    await copy.remove();
    expect(fileStates(scratch)).toEqual([]);
  });
});

describe('a source with a hot rollback journal', () => {
  it('goes over as it was before the transaction that was never finished', async () => {
    const directory = await temporaryDirectory();
    const live = join(directory, 'live');
    createRelaySource(live, { events: 500, fullText: false });
    const database = new Database(live);
    database.pragma('journal_mode = DELETE');
    const committed = sqliteBytes(live);
    // A small cache makes SQLite write changed pages into the file before the transaction ends.
    database.exec(`PRAGMA cache_size = 5; BEGIN; UPDATE relay__events SET content = 'never committed'`);
    const sqlitePath = join(directory, 'db');
    for (const suffix of ['', '-journal']) copyFileSync(live + suffix, sqlitePath + suffix);
    database.exec('ROLLBACK');
    database.close();

    const withoutJournal = join(directory, 'other');
    copyFileSync(sqlitePath, withoutJournal);
    expect(sqliteBytes(withoutJournal)).not.toEqual(committed);
    const place = { sqlitePath, url: (await freshDatabase()).url };
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await postgresBytes(place.url)).toEqual(committed);
  });
});

describe('a source whose last page is cut off', () => {
  it.each([
    ['behind its end', 100, 'No table uses that page.'],
    ['within it', -100, 'Damaged: "last".'],
  ])('is not taken for one with zeros in it: %s', async (_, more, whose) => {
    const path = join(await temporaryDirectory(), 'db');
    createRelaySource(path, { events: 20 });
    const database = new Database(path);
    database.exec(
      'CREATE TABLE last (filling); INSERT INTO last VALUES (zeroblob(5000)); PRAGMA wal_checkpoint(TRUNCATE)',
    );
    database.close();
    truncateSync(path, statSync(path).size + more);
    const { code, message } = await migratePlace('check', { sqlitePath: path, url: (await freshDatabase()).url });
    expect({ code, message }).toEqual({
      code: 2,
      message: `The SQLite file ${path} is damaged: its last page is cut off (${statSync(path).size} bytes in pages of 4096). ${whose} Nothing was copied. Restore a backup, or rescue what can be read with "sqlite3 db .recover".`,
    });
  });
});
