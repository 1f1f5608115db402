import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';

const directory = mkdtempSync(join(tmpdir(), 'quarantine-'));
const sourceDirectory = join(directory, 'data');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(() => {
  makeSmallRelay(sourceDirectory, 40);
  const database = new Database(join(sourceDirectory, 'db'));
  database.pragma('foreign_keys = OFF');
  database.exec(`
    INSERT INTO sphere_relay__events VALUES ('altered', 1, 1, 'p', 'a' || char(0) || 'b', '[]', 's');
    INSERT INTO sphere_relay__event_tags VALUES ('altered', 't', 'x'), ('nobody', 't', 'x'), ('nobody', 't', 'x');
    INSERT INTO kv VALUES ('bad', x'00')`);
  database.close();
});

describe('a rehearsal on rows that cannot go over', () => {
  it('is stopped by them before any write stop, each of them named', async () => {
    const log: string[] = [];
    const observer = { step() {}, event() {}, log: (_: string, line: string) => void log.push(line) };
    await expect(rehearsed({ options: { sourceDirectory, observer } })).rejects.toThrow(
      /ReadLoad failed with MigrationFailed: The migrator's task ended before it had written anything to the target \(.+\): its log, prefix "migrate", says why, and names every row that it refuses\./,
    );
    const found = log.flatMap((line) => (line.includes('"event":"finding"') ? [JSON.parse(line).text] : []));
    expect(found).toEqual([
      expect.stringMatching(/^Found: table "kv", rowid 3, column "value": SQLite stores it as blob, expected text\./),
      expect.stringMatching(/^Found: table "sphere_relay__events", rowid 41, column "content": a NUL byte/),
      expect.stringMatching(/^Found: table "sphere_relay__events", rowid 41, column "id": "altered" is not the hash/),
      ...[42, 43].map((rowid) =>
        expect.stringMatching(
          `^Found: table "sphere_relay__event_tags", rowid ${rowid}, column "event_id": there is no`,
        ),
      ),
    ]);
  });

  it('goes through with the setting quarantine, and a rollback finds every row in the SQLite file', async () => {
    const { record } = await rehearsed({
      settings: { quarantine: true },
      options: { sourceDirectory, afterwards: 'rollback' },
    });
    // None is missing: the judge compares the old relay's file with the source, row by row.
    expect(record).toMatchObject({ outcome: 'RolledBack', exitCode: 0, serving: { store: 'sqlite' } });
    const cutover = record.executions.find(({ machine }) => machine === 'cutover');
    expect(cutover?.output).toMatchObject({
      outcome: 'CutoverComplete',
      quarantinedRows: 5,
      tables: [
        { table: 'kv', quarantined: { rows: 1 } },
        { table: 'sphere_relay__events', quarantined: { rows: 1 } },
        { table: 'sphere_relay__event_tags', quarantined: { rows: 3 } },
      ],
    });
  });
});
