import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';

const directory = mkdtempSync(join(tmpdir(), 'generic-'));
const sourceDirectory = join(directory, 'data');
beforeAll(() => {
  makeSmallRelay(sourceDirectory);
  const database = new Database(join(sourceDirectory, 'db'));
  database.exec(`
    CREATE TABLE invite (code);
    INSERT INTO invite VALUES (1), ('two'), (3.5);
    CREATE TABLE "one column" (value REAL);
    INSERT INTO "one column" VALUES (1.5), (NULL), (NULL);`);
  database.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a cutover and its rollback with tables of no known kind', () => {
  it('bring the generic one over and back, and leave the excluded one in the file', async () => {
    const { record, said } = await rehearsed({
      settings: { excludeTables: ['invite'], genericTables: ['one column'] },
      options: { afterwards: 'rollback', sourceDirectory },
    });
    expect([record.outcome, record.exitCode, record.sentence]).toEqual(['RolledBack', 0, expect.any(String)]);
    expect(record.tables).toEqual(
      expect.arrayContaining([expect.objectContaining({ table: 'one column', verdict: 'verified' })]),
    );
    expect(record.preparations).toMatchObject([{ output: { excluded: [{ table: 'invite', rows: 3 }] } }]);
    expect(said).toContain('The table \\"invite\\" is left behind: 3 rows');
    expect(record.missingRows).toEqual({
      invite: 0,
      'one column': 0,
      kv: 0,
      sphere_relay__events: 0,
      sphere_relay__event_tags: 0,
    });
  });
});
