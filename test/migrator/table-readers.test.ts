import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Progress } from '../../migrator/progress.ts';
import { openSource, type Source } from '../../migrator/source.ts';
import { sourceDigest } from '../../migrator/source-rows.ts';
import { createTableReaders, type TableReaders } from '../../migrator/table-readers.ts';
import { bundledProgram } from '../../rehearsal/bundled-program.ts';
import { environmentOf, migratePlace, type Place, runMigrator } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { differences } from '../support/table-bytes.ts';

/** Enough for a second reader: see table-readers.ts. */
const EVENTS = 10_100;

/** There is a second reader only where there is a second processor. */
const isAlone = availableParallelism() < 2;

let directory: string;
let original: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'relay-cutover-test-'));
  original = join(directory, 'db');
  createRelaySource(original, { events: EVENTS, fullText: false });
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function freshSource(statement?: string): Promise<string> {
  const sqlitePath = join(await temporaryDirectory(), 'db');
  await copyFile(original, sqlitePath);
  if (statement !== undefined) {
    const database = new Database(sqlitePath);
    database.exec(statement);
    database.close();
  }
  return sqlitePath;
}

async function freshPlace(statement?: string): Promise<Place> {
  return { sqlitePath: await freshSource(statement), url: (await freshDatabase()).url };
}

/** Opens a source with its readers; both are closed with the test. */
async function opened(sqlitePath: string): Promise<{ source: Source; readers: TableReaders; log: string[] }> {
  const source = await openSource(sqlitePath);
  const log: string[] = [];
  const progress: Pick<Progress, 'rows'> = {
    rows(_verb, table) {
      log.push(`begin ${table}`);
      return { add() {}, end: () => void log.push(`end ${table}`) };
    },
  };
  const readers = createTableReaders(source, progress as Progress);
  onTestFinished(async () => {
    await readers.end();
    await source.close();
  });
  return { source, readers, log };
}

describe('the readers of a source', () => {
  it.skipIf(isAlone)('read large tables two at a time, and find what one of them finds', async () => {
    const { source, readers, log } = await opened(await freshSource());
    const found = await Promise.all(source.tables.map((table) => readers.read('digest', table)));
    expect(found.map(({ rows }) => rows)).toEqual(source.tables.map((table) => source.countRows(table)));
    for (const [place, table] of source.tables.entries())
      expect(found[place]).toEqual(await sourceDigest(source, table, { count() {} }));
    // In turn, each would have ended before the next one begins.
    expect(log.slice(0, 2).map((line) => line.split(' ')[0])).toEqual(['begin', 'begin']);
  });

  it('read small tables in turn, without another thread', async () => {
    const sqlitePath = join(await temporaryDirectory(), 'db');
    createRelaySource(sqlitePath, { events: 50 });
    const { source, readers, log } = await opened(sqlitePath);
    await Promise.all(source.tables.map((table) => readers.read('digest', table)));
    expect(log).toEqual(source.tables.flatMap(({ name }) => [`begin ${name}`, `end ${name}`]));
  });

  it('end a pass whose rows nobody can take', async () => {
    const { source, readers } = await opened(await freshSource());
    const passes = source.tables.map((table) =>
      readers.read('copy', table, () => Promise.reject(new Error('the disk is full'))),
    );
    const outcomes = await Promise.allSettled(passes);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual(
      expect.arrayContaining(['the disk is full', 'the disk is full']),
    );
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('end every pass that is under way when they are ended', async () => {
    const { source, readers } = await opened(await freshSource());
    const passes = Promise.allSettled(source.tables.map((table) => readers.read('digest', table)));
    await readers.end();
    expect((await passes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});

describe('a migrator with two readers', () => {
  it('ends equal after load and reconcile, with what stands in the WAL', async () => {
    const place = await freshPlace();
    const writer = new Database(place.sqlitePath);
    onTestFinished(() => void writer.close());
    writer.exec("UPDATE relay__event_tags SET value = 'in the WAL' WHERE rowid % 100 = 0");
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    writer.exec(
      "DELETE FROM relay__events WHERE rowid % 70 = 0; INSERT INTO kv VALUES ('later', '1'); DELETE FROM relay__event_tags WHERE event_id NOT IN (SELECT id FROM relay__events)",
    );
    expect(await migratePlace('verify', place)).toMatchObject({ code: 1 });
    expect(await migratePlace('reconcile', place)).toMatchObject({ code: 0 });
    expect(await migratePlace('verify', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });

  it.each([
    {
      title: 'a tag with a NUL byte',
      sql: "UPDATE relay__event_tags SET value = 'a' || char(0) WHERE rowid = 20000",
      message: 'table "relay__event_tags", rowid 20000, column "value": a NUL byte, which PostgreSQL cannot hold',
    },
    {
      title: 'an event with an id that is not its hash',
      sql: "UPDATE relay__events SET content = 'altered' WHERE rowid = 10000",
      message: 'rowid 10000, column "id"',
    },
  ])('refuses $title, whichever of them reads it, and leaves no table behind', async ({ sql, message }) => {
    const place = await freshPlace(sql);
    const run = await migratePlace('load', place);
    expect(run).toMatchObject({ code: 2, outcome: 'refused' });
    expect(run.message).toContain(message);
    expect(await migratePlace('load', { ...place, options: { CUTOVER_QUARANTINE: '1' } })).toMatchObject({ code: 0 });
  });

  it.skipIf(isAlone)('ends with a sentence when the second one cannot start', async () => {
    const place = await freshPlace();
    const program = bundledProgram(new URL('../../cli/migrate-program.ts', import.meta.url));
    const alone = join(await temporaryDirectory(), 'migrate.mjs');
    await copyFile(program, alone);
    const run = await runMigrator(['load'], environmentOf(place), alone);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toMatch(/^Failed: .*reader-thread/);
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });
});
